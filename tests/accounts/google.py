"""Somebody who answers like Google (OpenID Connect, code flow, PKCE), on a loopback address."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
import jwt
import pytest

from scripts.processes import free_port
from tests.stack import Stack, wait_for

CLIENT = {"GOOGLE_CLIENT_ID": "our-client", "GOOGLE_CLIENT_SECRET": "our-secret"}


class Google:
    """`person` is who signs in there, with the claims of an ID token; None cancels."""

    def __init__(self) -> None:
        self.person: dict[str, Any] | None = None
        self._codes: dict[str, dict[str, str]] = {}
        google = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = dict(parse_qsl(urlsplit(self.path).query))
                self.send_response(302)
                self.send_header("Location", google.consent(asked))
                self.end_headers()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                status, answer = google.redeem({k: v[0] for k, v in parse_qs(body).items()})
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode())

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def consent(self, asked: dict[str, str]) -> str:
        """Where the person is sent back to."""
        assert asked["client_id"] == CLIENT["GOOGLE_CLIENT_ID"]
        assert asked["response_type"] == "code"
        assert set(asked["scope"].split()) == {"email", "profile"}
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe()
        self._codes[code] = asked
        answer = {"code": code} if self.person else {"error": "access_denied"}
        return f"{asked['redirect_uri']}?{urlencode(answer | {'state': asked['state']})}"

    def redeem(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Tokens for a code; once, for the right secret and verifier."""
        asked = self._codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        proof = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if (
            asked is None
            or form["client_secret"] != CLIENT["GOOGLE_CLIENT_SECRET"]
            or form["redirect_uri"] != asked["redirect_uri"]
            or proof != asked["code_challenge"]
        ):
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {"iss": self.origin, "aud": CLIENT["GOOGLE_CLIENT_ID"], "iat": now,
                  "exp": now + 60, **(self.person or {})}  # fmt: skip
        id_token = jwt.encode(claims, secrets.token_hex(32), algorithm="HS256")
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": id_token}


@dataclass
class Site:
    """A web process that has Google's sign-in, and wants it for the API documentation."""

    url: str
    google: Google
    stack: Stack

    def browser(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=30)

    def consent(self, browser: httpx.Client) -> str:
        """Walk to Google; return the address that leads back."""
        browser.get("/api/v1/auth/session/")
        form = {"csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        there = browser.post("/accounts/google/login/", data=form).headers["Location"]
        return httpx.get(there).headers["Location"]

    def sign_in(self, browser: httpx.Client, **form: str) -> str:
        """Walk to Google and back; return the path where that ends."""
        browser.get("/api/v1/auth/session/")
        form["csrfmiddlewaretoken"] = browser.cookies["csrftoken"]
        answer = browser.post("/accounts/google/login/", data=form)
        while answer.is_redirect and urlsplit(answer.headers["Location"]).path != "/login":
            address = answer.headers["Location"]
            if address in {"/", "/files", "/login/code"}:
                return address
            answer = browser.get(address)
        return answer.headers.get("Location", f"{answer.status_code} {answer.text[:300]}")

    def who(self, browser: httpx.Client) -> str | None:
        user = browser.get("/api/v1/auth/session/").json()["user"]
        return user and user["email"]


@pytest.fixture(scope="module")
def site(stack: Stack) -> Iterator[Site]:
    google, port = Google(), free_port()
    name = "web with google"
    stack.start_process(
        name, stack.commands["web"], PORT=str(port), GOOGLE_ORIGIN=google.origin, **CLIENT,
        API_DOCS_FOR="google", API_DOCS_DOMAINS="example.org,example.net",
    )  # fmt: skip
    made = Site(f"http://127.0.0.1:{port}", google, stack)

    def ready() -> bool:
        try:
            return httpx.get(f"{made.url}/health/ready").status_code == 200
        except httpx.TransportError:
            return False

    wait_for(ready, what="web with Google is ready")
    yield made
    stack.stop(name)
    google.stop()


def somebody(name: str, verified: bool = True) -> dict[str, object]:
    return {"sub": f"id-of-{name}", "email": f"{name}@example.org", "email_verified": verified,
            "given_name": "Grace", "family_name": "Hopper"}  # fmt: skip
