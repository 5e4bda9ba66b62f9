"""What a web process remembers of who may see a tile: by whom it was decided, and for how long."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db.models import QuerySet
from django.test import Client

from backend_django import policies
from backend_django.processing.models import ProcessingRequest
from backend_django.rasters import services
from backend_django.rasters.api import tiles as tile_views
from backend_django.rasters.models import RasterShare
from backend_django.users.models import User
from backend_django.users.services import token_create

from . import factory
from .conftest import Store

pytestmark = pytest.mark.slow

PASSWORD = "correct horse battery staple"
SECOND = 1.0


class Clock:
    """The clock of the tile views, which stands still until it is moved."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return 0.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(tile_views, "time", made)
    return made


@pytest.fixture
def raster(store: Store) -> ProcessingRequest:
    return store()


def tile_of(raster: ProcessingRequest) -> str:
    west, south, east, north = raster.result.data["bounds"]
    z, x, y = factory.tile_of((west + east) / 2, (south + north) / 2, 14)
    return f"{z}/{x}/{y}"


def own(raster: ProcessingRequest) -> str:
    return f"/api/v1/rasters/tiles/{raster.id}/{tile_of(raster)}"


def other_user() -> User:
    return User.objects.create_user("grace@example.org", PASSWORD)


@pytest.mark.parametrize("header", ["Basic YTpi", "Bearer x", "Digest x", "Nothing"])
def test_a_header_that_decides_nothing_lets_nobody_in(
    raster: ProcessingRequest, user: User, header: str, clock: Clock
) -> None:
    """As behind a proxy that adds the same header to everybody's calls."""
    headers = {"authorization": header}
    owner, grace, stranger = (Client(headers=headers) for _ in range(3))
    owner.force_login(user)
    grace.force_login(other_user())
    address = own(raster)
    assert owner.get(address).status_code == 200
    assert stranger.get(address).status_code == 401
    assert grace.get(address).status_code == 404
    assert owner.get(address).status_code == 200
    assert Client().get(address).status_code == 401


def test_a_refused_token_is_refused_whatever_cookie_comes_with_it(
    raster: ProcessingRequest, user: User, clock: Clock
) -> None:
    key = token_create(user=user, name="x")[1]
    browser = Client()
    browser.force_login(user)
    for token, code in ((key, 200), ("nope", 401), (key, 200)):
        answer = browser.get(own(raster), headers={"authorization": f"Token {token}"})
        assert answer.status_code == code, token


def sign_out(browser: Client, user: User) -> None:
    assert browser.post("/api/v1/auth/logout/").status_code == 200


def sign_out_others(browser: Client, user: User) -> None:
    another = Client()
    another.force_login(user)
    assert another.post("/api/v1/auth/logout/others/").status_code == 200


def change_password(browser: Client, user: User) -> None:
    user.set_password("quite different words in it")
    user.save()


def deactivate(browser: Client, user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def revoke_token(browser: Client, user: User) -> None:
    user.api_tokens.all().delete()


def delete_request(browser: Client, user: User) -> None:
    ProcessingRequest.objects.filter(owner=user).delete()


@pytest.mark.parametrize(
    ("end", "with_token", "code"),
    [
        (sign_out, False, 401),
        (sign_out_others, False, 401),
        (change_password, False, 401),
        (change_password, True, 401),
        (deactivate, False, 401),
        (deactivate, True, 401),
        (revoke_token, True, 401),
        (delete_request, False, 404),
        (delete_request, True, 404),
    ],
)
def test_an_access_that_was_ended_is_over_within_a_second(
    raster: ProcessingRequest,
    user: User,
    clock: Clock,
    end: Callable[[Client, User], None],
    with_token: bool,
    code: int,
) -> None:
    """In the process that did not end it, too: nothing is told to the memory."""
    browser, address = Client(), own(raster)
    if with_token:
        browser.defaults["HTTP_AUTHORIZATION"] = f"Token {token_create(user=user, name='x')[1]}"
    else:
        browser.force_login(user)
    cookies = browser.cookies.output()
    assert browser.get(address).status_code == 200
    end(browser, user)
    browser.cookies.load(cookies.replace("Set-Cookie: ", ""))  # what signing out removed
    clock.now += SECOND
    assert browser.get(address).status_code == code


class Together:
    """A delegation to those who are members, as one of an organisation."""

    def __init__(self, account: User, member: User) -> None:
        self.account_id, self.members = account.pk, {member.pk}

    def owners(self, user_id: Any, action: policies.Action) -> QuerySet[Any]:
        accounts = User.objects.filter(pk=self.account_id) if user_id in self.members else ()
        return (accounts or User.objects.none()).values("pk")

    def allows(self, user_id: Any, action: policies.Action, owner_id: Any) -> bool:
        return user_id in self.members and owner_id == self.account_id


def test_who_is_no_longer_a_member_sees_no_tile_within_a_second(
    raster: ProcessingRequest, user: User, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = other_user()
    together = Together(user, member)
    monkeypatch.setattr(policies, "_delegations", [together])
    browser, address = Client(), own(raster)
    browser.force_login(member)
    assert browser.get(address).status_code == 200
    together.members.clear()
    clock.now += SECOND
    assert browser.get(address).status_code == 404


def revoke(share: RasterShare) -> None:
    services.share_revoke(share=share)


def deactivate_owner(share: RasterShare) -> None:
    User.objects.update(is_active=False)


def delete_shared(share: RasterShare) -> None:
    ProcessingRequest.objects.all().delete()


@pytest.mark.parametrize("end", [revoke, deactivate_owner, delete_shared])
def test_a_link_that_was_ended_is_over_within_a_second(
    raster: ProcessingRequest, clock: Clock, end: Callable[[RasterShare], None]
) -> None:
    share, token = services.share_create(request=raster, days=7, allow_download=True)
    root = f"/api/v1/rasters/shared/{token}/"
    parts = ["", f"tiles/{tile_of(raster)}", "download-cog/", "stac/"]
    for part in parts:
        answer = Client().get(root + part)
        assert answer.status_code == 200, part
        assert b"".join(answer)
    end(share)
    clock.now += SECOND
    assert [Client().get(root + part).status_code for part in parts] == [404] * 4


def test_an_administrator_sees_links_and_revokes_them(raster: ProcessingRequest) -> None:
    share, token = services.share_create(request=raster, days=7, allow_download=True, note="Bob")
    staff = User.objects.create_user("staff@example.org", PASSWORD, is_staff=True)
    browser = Client()
    browser.force_login(staff)
    address = "/admin/rasters/rastershare/"
    action = {"action": "revoke", "_selected_action": str(share.id)}
    assert browser.get(address).status_code == 403
    staff.user_permissions.add(Permission.objects.get(codename="view_rastershare"))
    listed = browser.get(address, {"q": "ada@example.org"}).content.decode()
    assert "Bob" in listed
    assert token not in listed
    assert share.token_hash not in browser.get(f"{address}{share.id}/change/").content.decode()
    browser.post(address, action)
    assert Client().get(f"/api/v1/rasters/shared/{token}/").status_code == 200
    staff.user_permissions.add(Permission.objects.get(codename="delete_rastershare"))
    assert browser.post(address, action).status_code == 302
    assert Client().get(f"/api/v1/rasters/shared/{token}/").status_code == 404
