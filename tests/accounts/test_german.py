"""A person who reads German: by the browser, and by the account against the browser."""

from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from django.utils import translation

from backend_django.audit.models import AuditEvent
from backend_django.live.hub import describe
from backend_django.processing.models import ProcessingRequest
from backend_django.users.models import User
from backend_django.users.services import token_create
from tests.pipelines import work

from .conftest import PostOffice, Visitor, link_in, script

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
GERMAN = {"accept-language": "de-AT,de;q=0.9,en;q=0.1"}


def submit(client: Client, content: bytes) -> Any:
    return client.post(
        "/api/v1/wordcount/create/", {"file": SimpleUploadedFile("gedicht.txt", content)}
    )


def fail_one(client: Client, told: list[str]) -> dict[str, str]:
    """Have a request fail in a worker, which speaks no German; return its state."""
    created = submit(client, b"RAISE now").json()
    with translation.override("en"):
        work(told)
    return client.get(f"/api/v1/wordcount/status/{created['id']}/").json()


def test_whole_path_by_the_browser(post_office: PostOffice, told: list[str]) -> None:
    visitor = Visitor(headers=GERMAN)
    registered = visitor.register("jo@example.org")
    assert registered.json() == {
        "detail": "Wir haben Ihnen eine E-Mail geschickt. Folgen Sie dem Link darin."
    }
    assert registered["Content-Language"] == "de"
    assert "Accept-Language" in registered["Vary"]
    mail = post_office()[0]
    assert mail.subject == "Bestätigen Sie Ihre E-Mail-Adresse"
    assert "Diese Adresse bestätigen:" in mail.body
    assert isinstance(mail, EmailMultiAlternatives)
    html = str(mail.alternatives[0][0])
    assert '<html lang="de">' in html
    assert "Falls die Schaltfläche nicht funktioniert" in html
    assert (
        visitor.call("registration/verify-email", key=link_in(mail).split("/")[-1]).status_code
        == 200
    )

    refused = visitor.sign_in("wrong", "jo@example.org").json()
    assert refused["title"] == "Ungültige Anfrage"
    assert refused["detail"] == "Die E-Mail-Adresse oder das Passwort ist falsch."
    weak = visitor.register("an@example.org", "password").json()["errors"][0]["message"]
    assert weak == "Dieses Passwort ist zu üblich."  # Django's own words
    missing = visitor.call("login", email="jo@example.org").json()["errors"][0]["message"]
    assert missing == "Dieses Feld ist zwingend erforderlich."  # REST framework's
    assert visitor.sign_in(email="jo@example.org").status_code in {200, 204}

    large = submit(visitor, b"x" * 100_001).json()
    assert large["detail"].endswith("Die Datei ist größer als die erlaubten 100 kB.")
    failed = fail_one(visitor, told)
    assert failed["error_message"] == (
        "Bei uns ist etwas schiefgegangen. Versuchen Sie es noch einmal. Falls es wieder "
        f"geschieht, wenden Sie sich mit der Referenz {failed['id']} an den Support."
    )
    stored = ProcessingRequest.objects.get(id=failed["id"]).error_message
    assert stored.startswith("Something went wrong on our side.")
    listed = visitor.get("/api/v1/requests/list/").json()["results"][0]
    assert listed["error_message"] == failed["error_message"]


def test_event_stream_speaks_to_the_user_too(ada: User, told: list[str]) -> None:
    ada.language = "de"
    ada.save()
    visitor = Visitor()
    visitor.sign_in()
    failed = fail_one(visitor, told)
    with translation.override("en"):  # a thread of its own tells, not that of a call
        events = dict(describe(ada.pk, {"request": {failed["id"]: None}}))
    assert events["request.changed"]["error_message"] == failed["error_message"]
    assert failed["error_message"].startswith("Bei uns ist etwas schiefgegangen.")


def test_account_goes_before_the_browser(
    ada: User, post_office: PostOffice, told: list[str]
) -> None:
    ada.language = "de"
    ada.save()
    visitor = Visitor(headers={"accept-language": "en"})
    assert visitor.sign_in().status_code in {200, 204}
    gone = f"/api/v1/wordcount/status/{uuid4()}/"
    answer = visitor.get(gone)
    assert answer.json()["detail"] == "Diesen Auftrag gibt es nicht."
    assert answer["Content-Language"] == "de"
    key = token_create(user=ada, name="a script")[1]
    assert script(key).get(gone).json()["detail"] == "Diesen Auftrag gibt es nicht."
    failed = fail_one(visitor, told)
    assert failed["error_message"].startswith("Bei uns ist etwas schiefgegangen.")
    # Who reads it in English, reads the same request in English.
    ada.language = "en"
    ada.save()
    status = f"/api/v1/wordcount/status/{failed['id']}/"
    german = Visitor(headers=GERMAN | {"authorization": f"Token {key}"})
    assert german.get(status).json()["error_message"].startswith("Something went wrong")
    visitor.call("password/reset", email=ada.email)
    assert post_office()[-1].subject == "Choose a new password"


def test_refusal_is_german_and_its_record_is_not() -> None:
    answer = script("unknown").get("/api/v1/requests/list/", headers=GERMAN)
    assert answer.json()["detail"] == "Das Token ist ungültig."
    assert AuditEvent.objects.get(event="api_token").detail == "The token is not valid."


@pytest.mark.parametrize("asked", [None, "en", "fr", "xx-yy;q=2, , *"])
def test_english_is_the_default(visitor: Visitor, asked: str | None) -> None:
    headers = {"accept-language": asked} if asked else {}
    answer = Visitor(headers=headers).sign_in("wrong")
    assert answer.json()["detail"] == "The email address or the password is wrong."
    assert answer["Content-Language"] == "en"


@pytest.mark.parametrize(("only", "title"), [("de", "Ungültige Anfrage"), ("en", "Bad Request")])
def test_one_language_is_spoken_whatever_is_asked_for(
    settings: Any, ada: User, only: str, title: str
) -> None:
    settings.LANGUAGES, settings.LANGUAGE_CODE = [(only, only)], only
    for asked in ("de", "en", "fr"):
        answer = Visitor(headers={"accept-language": asked}).sign_in("wrong")
        assert (answer.json()["title"], answer["Content-Language"]) == (title, only)


def test_language_ends_with_the_call(ada: User) -> None:
    ada.language = "de"
    ada.save()
    signed_in = Visitor()
    signed_in.sign_in()
    assert signed_in.look("user").json()["language"] == "de"
    assert Visitor().sign_in("wrong").json()["title"] == "Bad Request"


def test_page_is_one_for_all(client: Client) -> None:
    answers = [client.get("/", headers={"accept-language": code}) for code in ("de", "en")]
    assert answers[0].content == answers[1].content
    for answer in answers:
        assert "Accept-Language" not in answer.get("Vary", "")
        assert not answer.has_header("Content-Language")


def test_unchanged_state_stays_unchanged(signed_in: Visitor, told: list[str]) -> None:
    failed = fail_one(signed_in, told)
    address = f"/api/v1/wordcount/status/{failed['id']}/"
    first = signed_in.get(address)
    again = signed_in.get(address, headers={"if-none-match": first["ETag"]})
    assert again.status_code == 304
    assert "Accept-Language" in again["Vary"]
    german = signed_in.get(address, headers={"if-none-match": first["ETag"], **GERMAN})
    assert german.status_code == 200, "it would have shown the English sentence again"


def test_admin_speaks_german(admin_client: Client) -> None:
    page = admin_client.get("/admin/queues/", headers=GERMAN).content.decode()
    assert "Kein Worker bearbeitet diese Warteschlange." in page or "Worker unbekannt" in page
    listed = admin_client.get("/admin/processing/processingrequest/", headers=GERMAN)
    assert "Auftrag zum Ansehen auswählen" in listed.content.decode()  # Django's words around ours
