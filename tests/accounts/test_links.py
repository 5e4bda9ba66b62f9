"""Where the menu of the app leads besides its own pages."""

import runpy
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from backend_django.users.models import User

pytestmark = pytest.mark.django_db


def links(user: User) -> dict[str, str]:
    client = Client()
    client.force_login(user)
    found = client.get("/api/v1/auth/session/").json()["links"]
    return {link["name"]: link["url"] for link in found}


def test_everybody_is_led_to_what_they_may_read(user: User, settings: Any) -> None:
    settings.STAFF_LINKS = {"Mails": "https://mail.example.org"}
    assert links(user) == {"api_docs": "/api/v1/docs"}
    settings.API_DOCS_FOR, settings.HELP_URL = "staff", "/static/manual.pdf"
    assert links(user) == {"help": "/static/manual.pdf"}


def test_staff_are_led_to_what_they_may_open(user: User, settings: Any) -> None:
    settings.STAFF_LINKS, settings.API_DOCS_FOR = {"Mails": "https://mail.example.org"}, "staff"
    user.is_staff = True
    user.save()
    assert [*links(user)] == ["api_docs", "admin", "Mails"]
    user.user_permissions.add(Permission.objects.get(codename="view_processingrequest"))
    found = links(user)
    assert [*found] == ["api_docs", "admin", "queues", "Mails"]
    client = Client()
    client.force_login(user)
    for name in ("admin", "queues"):
        assert client.get(found[name]).status_code == 200


def test_a_link_that_is_no_url_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from backend_django.config.settings.concerns import pages

    monkeypatch.setenv("STAFF_LINKS", "Mails")
    with pytest.raises(ImproperlyConfigured, match="STAFF_LINKS is name=URL"):
        runpy.run_path(pages.__file__, run_name=pages.__name__)
