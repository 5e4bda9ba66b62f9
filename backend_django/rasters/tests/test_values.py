"""The value at a place and along a line is that of the pixel that is there."""

from typing import Any

import numpy as np
import pytest
from affine import Affine
from django.test import Client
from pyproj import Transformer

from backend_django.users.models import User

from .conftest import Store

pytestmark = pytest.mark.slow

DEGREES = {"crs": "EPSG:4326", "transform": Affine(0.01, 0, 10, 0, -0.01, 50)}
COUNTED = np.stack([*np.mgrid[0:300, 0:420]]).astype(np.uint16)  # rows, columns


@pytest.fixture
def ask(client: Client, user: User, store: Store) -> Any:
    def run(what: str, values: Any, case: dict[str, Any], **query: Any) -> Any:
        request = store(values, **case)
        client.force_login(user)
        return client.get(f"/api/v1/rasters/{what}/{request.id}/", query)

    return run


@pytest.mark.parametrize(
    ("longitude", "latitude", "values"),
    [
        (10.005, 49.995, [0, 0]),
        (11.234, 48.766, [123, 123]),
        (14.195, 47.005, [299, 419]),
        (371.234, 48.766, [123, 123]),  # once around the Earth
        (9.99, 49, [None, None]),
        (10.5, 46.99, [None, None]),
    ],
)
def test_point(longitude: float, latitude: float, values: list[Any], ask: Any) -> None:
    answer = ask("point", COUNTED, DEGREES, longitude=longitude, latitude=latitude)
    assert answer.status_code == 200, answer.content
    assert answer.json()["values"] == values


def test_point_of_missing_pixels_and_odd_types(ask: Any) -> None:
    place = {"longitude": 11, "latitude": 49}
    floats = np.full((1, 300, 420), 0.5, "float32")
    for values, case, seen in (
        (floats, {"nodata": 0.5}, None),
        (floats * np.nan, {}, None),
        (floats, {}, 0.5),
        (np.full((1, 300, 420), np.inf, "float32"), {}, "inf"),
        (np.full((1, 300, 420), 3 + 4j, "complex64"), {}, 5),
        (np.full((1, 300, 420), 2**60 + 1, "int64"), {}, str(2**60 + 1)),
        (floats.astype("uint8"), {"mask": np.zeros((300, 420), "uint8")}, None),
    ):
        answer = ask("point", values, DEGREES | case, **place)
        assert answer.json()["values"] == [seen]


@pytest.mark.parametrize(("dtype", "nodata"), [("int16", -9999), ("int64", -9999), ("float32", 9)])
def test_point_where_one_band_has_no_value(dtype: str, nodata: int, ask: Any) -> None:
    values = np.ones((3, 300, 420), dtype) * np.array([2, nodata, 43], dtype)[:, None, None]
    answer = ask("point", values, DEGREES | {"nodata": nodata}, longitude=11, latitude=49)
    assert answer.json()["values"] == [2, None, 43]


def test_point_in_another_projection(ask: Any) -> None:
    to_degrees = Transformer.from_crs(32632, 4326, always_xy=True)
    longitude, latitude = to_degrees.transform(500_000 + 10 * 101.5, 5_200_000 - 10 * 217.5)
    answer = ask("point", COUNTED, {}, longitude=longitude, latitude=latitude)
    assert answer.json()["values"] == [217, 101]


def test_line(ask: Any) -> None:
    answer = ask(
        "profile", COUNTED, DEGREES, line="10.005,49.995;12.995,47.005", band=2, samples=300
    )
    assert answer.status_code == 200, answer.content
    found = answer.json()
    assert found["length"] == pytest.approx(399_000, rel=0.02)
    assert np.abs(np.array(found["values"]) - np.arange(300)).max() <= 1


def test_line_that_leaves_the_raster_and_turns(ask: Any) -> None:
    answer = ask("profile", COUNTED, DEGREES, line="8,49;11,49;11,51", band=1, samples=100)
    values = answer.json()["values"]
    assert values[0] is values[-1] is None
    seen = [value for value in values if value is not None]
    assert min(abs(value - 100) for value in seen) <= 4  # along 49° north, from an overview
    assert min(seen) < 10  # and up to the edge at 50° north


@pytest.mark.slow
def test_long_lines_of_large_rasters_are_read_from_an_overview(ask: Any) -> None:
    values = np.broadcast_to(np.arange(6000, dtype=np.float32), (1, 1500, 6000)).copy()
    case = {"crs": "EPSG:4326", "transform": Affine(0.001, 0, 10, 0, -0.001, 50)}
    answer = ask("profile", values, case, line="10.0005,49.9;15.9995,48.6", samples=100)
    found = np.array(answer.json()["values"])
    assert np.abs(found - np.linspace(0, 5999, 100)).max() < 40  # the mean of 32 or so pixels


@pytest.mark.parametrize(
    ("what", "query", "code"),
    [
        ("point", {}, 400),
        ("point", {"longitude": "x", "latitude": 1}, 400),
        ("point", {"longitude": 1, "latitude": 91}, 400),
        ("point", {"longitude": "nan", "latitude": 1}, 400),
        ("profile", {}, 400),
        ("profile", {"line": "1,2"}, 400),
        ("profile", {"line": "1,2;x"}, 400),
        ("profile", {"line": ";".join(["1,2"] * 101)}, 400),
        ("profile", {"line": "1,2;2,3", "samples": 10**6}, 400),
        ("profile", {"line": "1,2;2,3", "band": 9}, 404),
    ],
)
def test_what_cannot_be_asked(what: str, query: dict[str, Any], code: int, ask: Any) -> None:
    answer = ask(what, COUNTED, DEGREES, **query)
    assert answer.status_code == code
    assert answer["Content-Type"] == "application/problem+json"


def test_range_of_what_hardly_differs_has_no_histogram(ask: Any) -> None:
    """64 bins between two neighbouring floating-point numbers cannot be told apart."""
    answer = ask("statistics", COUNTED[1:] + 1.0, DEGREES, expression="b1/7*7/b1")
    assert answer.status_code == 200, answer.content
    band = answer.json()
    assert band["minimum"] == pytest.approx(1)
    assert band["histogram"] is None
