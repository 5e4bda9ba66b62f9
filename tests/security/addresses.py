"""Every address of the API, by convention: for whom it is, and a thing of somebody's to ask for.

The addresses come from the OpenAPI document, and from the URL patterns what is not in it. So those
of a feature that is added are here without a line; one that no convention covers is named by
`test_every_address_is_classified`. A feature may have `tests/factories.py` with

- `make_objects(owner) -> dict[str, str]`: values for the `{parameters}` of its addresses, of things
  that belong to the owner, in place of a pending request;
- `RESULT: dict`: fields of a `ProcessingResult`, where an address needs more than an empty one;
- `QUERIES: dict[str, str]`: what an address cannot do without, `{"point": "longitude=9"}`;
- `MANAGED: list[str]`: what opens things to others (`Action.MANAGE`), `"POST /lines/share/{id}/"`;
- `SHARED: list[str]`: what addresses of rows without an owner begin with, `"sections/"`;
- `ACCESS: dict[str, str]`: the class of addresses of its own, `{"GET /lines/total/": "own"}`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any
from uuid import uuid4

from allauth.usersessions.models import UserSession
from django.apps import apps
from django.contrib.admindocs.views import simplify_regex
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from django.utils.module_loading import module_has_submodule

from backend_django.api.docs import document
from backend_django.processing.archives import archive_create
from backend_django.processing.models import ProcessingRequest
from backend_django.processing.queries import requests_visible_to
from backend_django.processing.registry import all_processors
from backend_django.uploads.models import Upload
from backend_django.users.models import User
from backend_django.users.services import token_create
from backend_django.utils.features import FeatureConfig
from tests.of_modules import of_modules

ROOT = "/api/v1"
READERS = "readers"  # whom API_DOCS_FOR names
OPEN = "open"  # anybody
OWN = "own"  # whoever is signed in, about themselves
SHARED = "shared"  # whoever is signed in, about what belongs to nobody
OBJECT = "object"  # the owner of what the address names
LINK = "link"  # whoever has the secret in the address

CORE = {
    OPEN: r"/(version|version-info)/|/auth/(login|logout|session|registration(/[\w-]+)?"
    r"|password/reset(/confirm)?|email/change/confirm)/",
    OWN: r"/auth/(user|user/delete|logout/others|password/change|email/change|tokens|sessions)/"
    r"|/usage/|/events/"
    r"|/requests/(list|status-counts|csv|cancel|retry|delete|download)/",
    OBJECT: r"/(auth/(tokens|sessions)"
    r"|requests/(download|status|history|details|rename|stages|steps))"
    r"/\{id\}/",
    READERS: r"/(schema|docs)/",
}
for more in of_modules("ADDRESSES"):
    for caller, pattern in more.items():
        CORE[caller] += f"|{pattern}"
FEATURE = {
    OWN: r"([\w-]+/)?(create|list|sample)/|batch/|upload/",
    OBJECT: r"(?!shared/)([\w-]+/\{id\}/.*|[\w-]+/(detail|update|delete|download-\w+)/\{id\}/)",
    LINK: r"shared/\{token\}/.*",
}


@dataclass(frozen=True)
class Address:
    method: str
    template: str  # "/lines/status/{id}/", below /api/v1
    documented_open: bool | None  # None: not in the document

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.template}"

    @property
    def access(self) -> str | None:
        """The class, or None when no convention knows the address."""
        feature = self.template.split("/")[1]
        if feature not in features():
            return _matching(CORE, self.template)
        own: dict[str, str] = getattr(factories(feature), "ACCESS", {})
        rest = self.template.removeprefix(prefixes().get(self.kind, f"/{feature}/"))
        for prefix in getattr(factories(feature), "SHARED", []):
            if re.fullmatch(
                rf"{prefix}(create|list|(detail|update|delete|download-\w+)/\{{id\}})/", rest
            ):
                return SHARED
        return own.get(str(self)) or _matching(FEATURE, rest)

    @property
    def kind(self) -> str:
        """Of the requests that are found here."""
        return kinds().get(self.template, self.template.split("/")[1])

    def path(self, values: dict[str, str]) -> str:
        parts = self.template.split("/")
        queries: dict[str, str] = getattr(factories(parts[1]), "QUERIES", {})
        query = next((f"?{queries[part]}" for part in parts if part in queries), "")
        return ROOT + self.template.format(**values) + query

    def call(self, client: Client, values: dict[str, str]) -> Any:
        options: dict[str, Any] = {}
        if self.method not in {"get", "delete"}:
            options = {"data": {}, "content_type": "application/json"}
        for beginning, call in (pair for more in of_modules("CALLS") for pair in more.items()):
            if self.template.startswith(beginning):
                return call(client, self.method, self.path(values), options.get("data"))
        return getattr(client, self.method)(self.path(values), **options)


def _matching(conventions: dict[str, str], text: str) -> str | None:
    return next((name for name, rule in conventions.items() if re.fullmatch(rule, text)), None)


@cache
def features() -> dict[str, FeatureConfig]:
    return {c.label: c for c in apps.get_app_configs() if isinstance(c, FeatureConfig)}


@cache
def factories(feature: str) -> ModuleType | None:
    """Return `<feature>.tests.factories`, if there is one."""
    config = features().get(feature)
    if config is None or not module_has_submodule(config.module, "tests"):
        return None
    tests = import_module(f"{config.name}.tests")
    has = module_has_submodule(tests, "factories")
    return import_module(f"{tests.__name__}.factories") if has else None


def url_patterns(
    patterns: list[Any] | None = None, before: str = ""
) -> Iterator[tuple[str, URLPattern]]:
    """Every pattern of the project with its whole regular expression."""
    for entry in get_resolver().url_patterns if patterns is None else patterns:
        whole = before + str(entry.pattern.regex.pattern).removeprefix("^").removeprefix("\\A")
        if isinstance(entry, URLResolver):
            yield from url_patterns(entry.url_patterns, whole)
        else:
            yield whole, entry


def template_of(regex: str) -> str:
    """`lines/status/(?P<id>…)/?$` as `/lines/status/{id}/`."""
    path = simplify_regex(regex.replace("/?", "/")).replace("<", "{").replace(">", "}")
    return path.replace("\\Z", "").replace("{pk}", "{id}")  # as the document does


@cache
def kinds() -> dict[str, str]:
    """The kind of requests that each address is about."""
    bound = {
        template_of(regex).removeprefix(ROOT): getattr(pattern.callback, "initkwargs", {})
        for regex, pattern in url_patterns()
    }
    of_jobs = {path: o["processor"].name for path, o in bound.items() if "processor" in o}
    return of_jobs | {path: o["kind"] for path, o in bound.items() if "kind" in o}


@cache
def prefixes() -> dict[str, str]:
    """What the addresses of a kind begin with: a feature may have several."""
    create = "create/"
    return {k: path.removesuffix(create) for path, k in kinds().items() if path.endswith(create)}


def every_address() -> list[Address]:
    """What the document has, and the GET of what it has not."""
    paths = document()["paths"]
    found = [
        Address(method, path, {} in operation.get("security", [{}]))
        for path, operations in paths.items()
        for method, operation in operations.items()
    ]
    others = {
        template_of(regex).removeprefix(ROOT)
        for regex, _ in url_patterns()
        if regex.startswith(ROOT[1:] + "/")
    }
    return [*found, *(Address("get", path, None) for path in sorted(others - set(paths)))]


def things_of(owner: User, address: Address) -> dict[str, str]:
    """Make what the address names, and return the values of its parameters."""
    feature = address.template.split("/")[1]
    if "/sessions/" in address.template:
        store = SessionStore()
        store.create()
        return {
            "id": str(
                UserSession.objects.create(
                    user=owner, ip="192.0.2.1", session_key=store.session_key
                ).pk
            )
        }
    for part, make_one in (pair for more in of_modules("THINGS") for pair in more.items()):
        if part in address.template:
            return {"id": str(make_one(owner).pk)}
    if feature == "auth":
        token, _ = token_create(user=owner, name="of a test")
        return {"id": str(token.pk)}
    if address.template == "/requests/download/{id}/":
        kind = next(processor.name for processor in all_processors() if processor.downloads)
        ProcessingRequest.objects.create(
            kind=kind, owner=owner, name="a.txt", input_file="x", input_name="a.txt", input_size=1,
            status="completed", finished_at=timezone.now(),
        )  # fmt: skip
        archive, _ = archive_create(user_id=owner.pk, rows=requests_visible_to(owner))
        return {"id": str(archive)}
    common: dict[str, Any] = {"kind": address.kind, "owner": owner, "name": "a.txt"}
    if "/upload/" in address.template:
        upload = Upload.objects.create(
            size=1, chunk_size=1, expires_at=timezone.now() + timedelta(hours=1), **common
        )
        return {"id": str(upload.id), "number": "1"}
    make = getattr(factories(feature), "make_objects", None)
    if make is not None:
        made: dict[str, str] = make(owner)
        if address.template in kinds():  # a feature may have several
            ProcessingRequest.objects.filter(id=made["id"]).update(kind=address.kind)
        return made
    request = ProcessingRequest.objects.create(
        input_file="x", input_name="a.txt", input_size=1, **common
    )
    return {"id": str(request.id)}


def things_of_nobody(values: dict[str, str]) -> dict[str, str]:
    """The same address for something that does not exist."""
    identifier = str(uuid4()) if "-" in values["id"] else "999999999"
    return values | {"id": identifier}
