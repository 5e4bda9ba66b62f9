"""The outline of the valid pixels on the globe."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from affine import Affine

from . import factory
from .conftest import Convert

WIDE = factory.pixels("uint8", 1, 200, 400)


def rings(geometry: dict[str, Any]) -> list[Any]:
    polygons = geometry["coordinates"]
    if geometry["type"] == "Polygon":
        polygons = [polygons]
    assert all(len(polygon) == 1 for polygon in polygons)
    return [np.array(polygon[0]) for polygon in polygons]


def area(ring: Any) -> float:
    x, y = ring.T
    return float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])) / 2


def outline(tmp_path: Path, converted: Convert, values: Any = WIDE, **case: Any) -> tuple[Any, Any]:
    _, facts = converted(factory.write(tmp_path / "i.tif", values, **case))
    found = rings(facts["footprint"])
    for ring in found:
        assert (ring[0] == ring[-1]).all(), "not closed"
        assert area(ring) > 0, "clockwise"
        assert np.abs(ring[:, 0]).max() <= 180
        assert np.abs(ring[:, 1]).max() <= 90
    return found, facts


def test_it_is_the_raster_where_all_is_valid(tmp_path: Path, converted: Convert) -> None:
    (ring,), facts = outline(
        tmp_path, converted, crs="EPSG:4326", transform=Affine(0.01, 0, 10, 0, -0.01, 50)
    )
    west, south, east, north = facts["bounds"]
    assert area(ring) == pytest.approx((east - west) * (north - south))


@pytest.mark.parametrize("how", ["nodata", "mask", "alpha", "NaN", "cube"])
def test_it_is_around_the_valid_pixels(how: str, tmp_path: Path, converted: Convert) -> None:
    valid = np.zeros((200, 400), bool)
    valid[50:150, 100:300] = True
    place: dict[str, Any] = {"crs": "EPSG:4326", "transform": Affine(0.01, 0, 10, 0, -0.01, 50)}
    mask = np.where(valid, 255, 0).astype(np.uint8)
    values = np.where(valid, WIDE | 1, 0)
    if how == "nodata":
        (ring,), _ = outline(tmp_path, converted, values, nodata=0, **place)
    elif how == "cube":
        (ring,), _ = outline(tmp_path, converted, np.repeat(values, 40, 0), nodata=0, **place)
    elif how == "mask":
        (ring,), _ = outline(tmp_path, converted, WIDE, mask=mask, **place)
    elif how == "alpha":
        (ring,), _ = outline(tmp_path, converted, np.stack([WIDE[0], mask]), alpha=True, **place)
    else:
        floats = np.where(valid, WIDE, np.nan).astype("float32")
        (ring,), _ = outline(tmp_path, converted, floats, nodata=np.nan, **place)
    assert ring.min(axis=0) == pytest.approx([11, 48.5])
    assert ring.max(axis=0) == pytest.approx([13, 49.5])
    assert area(ring) == pytest.approx(2.0)


def test_a_rotated_raster_has_a_rotated_outline(tmp_path: Path, converted: Convert) -> None:
    (ring,), facts = outline(tmp_path, converted, transform=factory.rotated(45))
    west, south, east, north = facts["bounds"]
    share = area(ring) / ((east - west) * (north - south))
    assert share == pytest.approx(4 / 9, abs=0.02)  # two by one, on its corner


def test_across_the_antimeridian_it_is_in_two_parts(tmp_path: Path, converted: Convert) -> None:
    place = {"crs": "EPSG:4326", "transform": Affine(0.05, 0, 170, 0, -0.05, 10)}
    (west, east), facts = outline(tmp_path, converted, **place)
    assert facts["footprint"]["type"] == "MultiPolygon"
    assert (west[:, 0].min(), west[:, 0].max()) == (170, 180)
    assert (east[:, 0].min(), east[:, 0].max()) == (-180, -170)
    assert area(west) + area(east) == pytest.approx(200)


@pytest.mark.parametrize(
    ("crs", "transform", "size"),
    [
        ("EPSG:4326", Affine(0.9, 0, 0, 0, -0.9, 90), 360 * 180),  # 0 to 360
        ("EPSG:3413", Affine(1e4, 0, -2e6, 0, -1e4, 1e6), None),  # the pole is in it
        ("EPSG:4326", Affine(1e-9, 0, 10, 0, -1e-9, 50), 0),
    ],
)
def test_odd_places(
    crs: str, transform: Affine, size: float | None, tmp_path: Path, converted: Convert
) -> None:
    _, facts = converted(factory.write(tmp_path / "i.tif", WIDE, crs=crs, transform=transform))
    (ring,) = rings(facts["footprint"])
    if size is None:
        assert ring[:, 1].max() == pytest.approx(90, abs=0.5)
    else:
        assert area(ring) == pytest.approx(size, abs=0.1)
