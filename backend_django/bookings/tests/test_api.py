from typing import Any

import pytest
from rest_framework.test import APIClient

from backend_django.uploads.models import Upload
from backend_django.users.models import User
from tests.rows import make_file, signed_in

from .factories import booking_values, instrument_values, make_booking, make_instrument

BOOKINGS = "/api/v1/bookings"
INSTRUMENTS = "/api/v1/bookings/instruments"


@pytest.fixture
def client(user: User) -> APIClient:
    return signed_in(user)


@pytest.fixture
def stranger(db: None) -> APIClient:
    return signed_in(User.objects.create_user("bob@example.org"))


def fields_of(answer: Any) -> set[str]:
    """Return the fields that an answer refuses."""
    assert answer.status_code == 400, answer.json()
    return {error["field"] for error in answer.json()["errors"]}


def test_booking_is_created_listed_changed_and_deleted(client: APIClient, user: User) -> None:
    values = booking_values(user)
    created = client.post(f"{BOOKINGS}/create/", values)
    assert created.status_code == 201, created.json()
    row = created.json()
    assert row | values == row
    assert client.get(f"{BOOKINGS}/list/").json()["results"] == [row]

    changes = {
        "purpose": "Second lines",
        "period_end": "2026-03-03T08:00:00Z",
        "state": "confirmed",
        "guests": 2,
        "supervised": True,
        "reminder": "2026-03-01T06:00:00Z",
        "remarks": "Second lines.",
    }
    changed = client.patch(f"{BOOKINGS}/update/{row['id']}/", changes)
    assert changed.status_code == 200, changed.json()
    detail = client.get(f"{BOOKINGS}/detail/{row['id']}/").json()
    assert detail == changed.json()
    assert detail | changes == detail

    assert client.delete(f"{BOOKINGS}/delete/{row['id']}/").status_code == 204
    assert client.get(f"{BOOKINGS}/detail/{row['id']}/").status_code == 404


def test_others_see_no_booking(stranger: APIClient, user: User) -> None:
    key = make_booking(user).id
    assert stranger.get(f"{BOOKINGS}/list/").json()["count"] == 0
    assert stranger.get(f"{BOOKINGS}/detail/{key}/").status_code == 404
    assert stranger.patch(f"{BOOKINGS}/update/{key}/", {}).status_code == 404
    assert stranger.delete(f"{BOOKINGS}/delete/{key}/").status_code == 404


def test_booking_needs_its_fields_and_no_others(client: APIClient) -> None:
    assert fields_of(client.post(f"{BOOKINGS}/create/", {})) == {
        "purpose",
        "instrument",
        "period_start",
        "period_end",
    }
    assert fields_of(client.post(f"{BOOKINGS}/create/", {"no_such_field": 1})) == {"no_such_field"}


def test_booking_list_is_searched_and_put_in_order(client: APIClient, user: User) -> None:
    make_booking(user)

    def count(query: str) -> int:
        return client.get(f"{BOOKINGS}/list/?{query}").json()["count"]

    assert count("search=first") == 1
    assert count("search=nothing+like+it") == 0
    assert count("ordering=-created_at") == 1
    assert client.get(f"{BOOKINGS}/list/?ordering=nothing").status_code == 400


def test_booking_period_ends_after_its_start(client: APIClient, user: User) -> None:
    values = booking_values(user)
    answer = client.post(f"{BOOKINGS}/create/", values | {"period_end": values["period_start"]})
    assert fields_of(answer) == {"period_end"}


def test_booking_period_overlaps_no_other_of_its_instrument(client: APIClient, user: User) -> None:
    values = booking_values(user)
    assert client.post(f"{BOOKINGS}/create/", values).status_code == 201
    same = {"instrument": values["instrument"]}
    answer = client.post(f"{BOOKINGS}/create/", booking_values(user) | same)
    assert fields_of(answer) == {"period_start"}
    assert client.post(f"{BOOKINGS}/create/", booking_values(user)).status_code == 201
    after = {
        "period_start": values["period_end"],
        "period_end": "2026-04-01T08:00:00Z",
    }
    answer = client.post(f"{BOOKINGS}/create/", booking_values(user) | same | after)
    assert answer.status_code == 201


def test_booking_of_somebody_else_is_in_the_way(stranger: APIClient, user: User) -> None:
    values = booking_values(user)
    make_booking(user, instrument=values["instrument"])
    assert fields_of(stranger.post(f"{BOOKINGS}/create/", values)) == {"period_start"}


def test_booking_keeps_its_instrument(client: APIClient, user: User) -> None:
    booking = make_booking(user)
    answer = client.delete(f"{INSTRUMENTS}/delete/{booking.instrument_id}/")
    assert (answer.status_code, answer.json()["code"]) == (409, "in_use")


def test_instrument_is_created_listed_changed_and_deleted(client: APIClient, user: User) -> None:
    values = instrument_values(user)
    created = client.post(f"{INSTRUMENTS}/create/", values)
    assert created.status_code == 201, created.json()
    row = created.json()
    assert row | values == row
    assert client.get(f"{INSTRUMENTS}/list/").json()["results"] == [row]

    changes = {
        "title": "Second lines",
        "inventory": "second",
        "hourly_rate": "20.00",
        "precision": 2.5,
        "acquired": "2026-03-02",
        "website": "https://example.org/second",
        "contact": "second@example.org",
        "alternatives": [str(make_instrument(user).id)],
        "specification": {"second": None},
    }
    changed = client.patch(f"{INSTRUMENTS}/update/{row['id']}/", changes)
    assert changed.status_code == 200, changed.json()
    detail = client.get(f"{INSTRUMENTS}/detail/{row['id']}/").json()
    assert detail == changed.json()
    assert detail | changes == detail

    assert client.delete(f"{INSTRUMENTS}/delete/{row['id']}/").status_code == 204
    assert client.get(f"{INSTRUMENTS}/detail/{row['id']}/").status_code == 404


def test_others_see_an_instrument_and_do_not_change_it(stranger: APIClient, user: User) -> None:
    key = make_instrument(user).id
    row = stranger.get(f"{INSTRUMENTS}/detail/{key}/").json()
    assert row["may_change"] is False
    assert stranger.get(f"{INSTRUMENTS}/list/").json()["results"] == [row]
    assert signed_in(user).get(f"{INSTRUMENTS}/detail/{key}/").json()["may_change"] is True
    assert stranger.patch(f"{INSTRUMENTS}/update/{key}/", {}).status_code == 404
    assert stranger.delete(f"{INSTRUMENTS}/delete/{key}/").status_code == 404


def test_instrument_needs_its_fields_and_no_others(client: APIClient) -> None:
    assert fields_of(client.post(f"{INSTRUMENTS}/create/", {})) == {
        "title",
        "inventory",
    }
    answer = client.post(f"{INSTRUMENTS}/create/", {"no_such_field": 1})
    assert fields_of(answer) == {"no_such_field"}


def test_instrument_list_is_searched_and_put_in_order(client: APIClient, user: User) -> None:
    make_instrument(user)

    def count(query: str) -> int:
        return client.get(f"{INSTRUMENTS}/list/?{query}").json()["count"]

    assert count("search=first") == 1
    assert count("search=nothing+like+it") == 0
    assert count("ordering=-created_at") == 1
    assert client.get(f"{INSTRUMENTS}/list/?ordering=nothing").status_code == 400


def test_instrument_inventory_is_unique(client: APIClient, user: User) -> None:
    values = instrument_values(user)
    make_instrument(user, inventory=values["inventory"])
    assert fields_of(client.post(f"{INSTRUMENTS}/create/", values)) == {"inventory"}


def test_instrument_picture_comes_and_goes_with_it(client: APIClient, user: User) -> None:
    instrument = make_instrument(user)
    detail = client.get(f"{INSTRUMENTS}/detail/{instrument.id}/").json()
    address = f"{INSTRUMENTS}/download-picture/{instrument.id}/"
    first = client.get(address)
    assert (first.status_code, first["Content-Type"]) == (200, "image/png")
    assert detail["picture_name"] in first["Content-Disposition"]
    assert first.getvalue().startswith(b"\x89PNG")

    text = make_file(user, "bookings", "picture.png", b"no picture")
    update = f"{INSTRUMENTS}/update/{instrument.id}/"
    assert fields_of(client.patch(update, {"picture": text})) == {"picture"}
    other = str(make_instrument(user).picture_id)
    assert fields_of(client.patch(update, {"picture": other})) == {"picture"}

    second = make_file(user, "bookings")
    assert client.patch(update, {"picture": second}).json()["picture"] == second
    assert not Upload.objects.filter(id=detail["picture"]).exists()
    instrument.refresh_from_db()
    instrument.delete()
    assert not Upload.objects.filter(id=second).exists()


def test_instrument_manual_is_downloaded(client: APIClient, user: User) -> None:
    instrument = make_instrument(user)
    answer = client.get(f"{INSTRUMENTS}/download-manual/{instrument.id}/")
    assert answer.getvalue() == b"first"


def test_who_is_not_signed_in_is_asked_to(db: None) -> None:
    assert APIClient().get(f"{BOOKINGS}/list/").status_code == 401
    assert APIClient().get(f"{INSTRUMENTS}/list/").status_code == 401
