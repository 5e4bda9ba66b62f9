"""Tiles show what rio-tiler shows, in the place where it shows it, and look as they should."""

import io
import math
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from affine import Affine
from PIL import Image
from rio_tiler.errors import TileOutsideBounds
from rio_tiler.io import Reader

from backend_django.rasters import tiles
from backend_django.rasters.styles import COLORMAPS, Style, default_style
from backend_django.rasters.tile_grid import HALF_WORLD, tile_exists
from tests.matrix import thin

from . import factory
from .conftest import Convert

pytestmark = pytest.mark.slow

HALF = factory.ellipse(900, 1100)
RGB = factory.pixels("uint8", 3, 900, 1100)


def _float(nodata: float) -> Any:
    values = factory.pixels("float32", 1, 900, 1100)
    values[0][HALF == 0] = nodata
    return values


CASES: dict[str, Callable[[], dict[str, Any]]] = {
    "RGB": lambda: {"values": RGB},
    "RGBA": lambda: {"values": np.stack([*RGB, HALF]), "alpha": True},
    "mask": lambda: {"values": RGB, "mask": HALF},
    "nodata": lambda: {"values": np.where(HALF, RGB, np.uint8(3)), "nodata": 3},
    "float, nodata": lambda: {"values": _float(-9999), "nodata": -9999},
    "float, NaN": lambda: {"values": _float(np.nan), "nodata": np.nan},
    "palette": lambda: {"values": RGB[:1] // 52, "palette": factory.PALETTE},
    "uint16": lambda: {"values": factory.pixels("uint16", 4, 900, 1100)},
    "rotated": lambda: {"values": RGB, "transform": factory.rotated(33)},
    "south up": lambda: {"values": RGB, "transform": Affine(10, 0, 5e5, 0, 10, 5.2e6)},
    "degrees": lambda: {
        "values": RGB,
        "crs": "EPSG:4326",
        "transform": Affine(1e-4, 0, 11, 0, -1e-4, 47),
    },
    "Web Mercator": lambda: {
        "values": RGB,
        "crs": "EPSG:3857",
        "transform": Affine(15, 0, 1e6, 0, -15, 6e6),
    },
    "the whole world": lambda: {
        "values": factory.pixels("uint8", 1, 360, 720),
        "crs": "EPSG:4326",
        "transform": Affine(0.5, 0, -180, 0, -0.5, 90),
    },
    "Europe": lambda: {
        "values": factory.pixels("uint8", 1, 400, 400),
        "crs": "EPSG:3035",
        "transform": Affine(1e4, 0, 2.5e6, 0, -1e4, 5.5e6),
    },
    "around the pole": lambda: {
        "values": factory.pixels("uint8", 1, 400, 400),
        "crs": "EPSG:3413",
        "transform": Affine(1e4, 0, -2e6, 0, -1e4, 2e6),
    },
    "across the antimeridian": lambda: {
        "values": RGB,
        "crs": "EPSG:32660",
        "transform": Affine(1000, 0, 4e5, 0, -1000, 1e6),
    },
    "1 × 1": lambda: {"values": RGB[:, :1, :1]},
    "3 × 5": lambda: {"values": RGB[:, :3, :5]},
}


def tiles_around(facts: dict[str, Any]) -> list[tuple[int, int, int]]:
    """Return some tiles at every interesting zoom: corners and the middle of the raster."""
    west, south, east, north = facts["bounds"]
    native = facts["maxzoom"]
    places = [
        ((west + east) / 2, (south + north) / 2),
        (west, north),
        (east, south),
        (west * 0.7 + east * 0.3, north),
    ]
    return sorted(
        {
            factory.tile_of((lon + 180) % 360 - 180, max(-85.0, min(85.0, lat)), zoom)
            for zoom in range(max(0, native - 3), native + 2)
            for lon, lat in places
        }
    )


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Adjusting dataset latitudes")
@pytest.mark.parametrize("name", thin(CASES, every=2))
def test_agrees_with_rio_tiler(name: str, tmp_path: Path, converted: Convert) -> None:
    case = CASES[name]()
    spread = float(np.nanmax(case["values"]) - np.nanmin(case["values"]))
    path, facts = converted(factory.write(tmp_path / "input.tif", **case))
    bands = (1, 2, 3) if len(case["values"]) >= 3 else (1,)
    source = tiles.Source(path)
    compared = 0
    with Reader(str(path)) as reader:
        for z, x, y in tiles_around(facts):
            found = source.read(z, x, y, bands)
            try:
                expected = reader.tile(x, y, z, indexes=bands)
            except TileOutsideBounds:
                assert found is None, f"{z}/{x}/{y} is outside"
                continue
            if found is None:
                seen = np.count_nonzero(expected.mask)
                assert seen <= 5, f"{z}/{x}/{y}: {seen} pixels are not shown"
                continue
            values, mask = found
            mask = np.full((256, 256), 255, np.uint8) if mask is None else mask
            wrong = np.count_nonzero((mask > 0) != (expected.mask > 0))
            # In its own projection the reference does not warp, and an edge may be a row off.
            assert wrong <= (300 if name == "Web Mercator" else 150), f"{z}/{x}/{y}: {wrong} wrong"
            both = (mask > 0) & (expected.mask > 0)
            if both.sum() < 200:
                continue
            compared += 1
            difference = np.abs(values.astype(float) - expected.data.astype(float))[:, both]
            same = float((difference == 0).mean())
            # Below the native zoom the two may choose different overviews.
            assert z < facts["maxzoom"] or same > 0.9, f"{z}/{x}/{y}: {same:.3f} are the same"
            assert float(difference.mean()) < 0.01 * spread, f"{z}/{x}/{y}"
    assert compared >= (0 if "×" in name else 4)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_ground_control_points(tmp_path: Path, converted: Convert) -> None:
    """Points taken from a sheared geotransform place the raster as the geotransform itself does."""
    gcps = factory.ground_control_points(900, 1100)
    by_points, facts = converted(
        factory.write(tmp_path / "points.tif", RGB, transform=None, crs=None, gcps=gcps)
    )
    by_transform, _ = converted(factory.write(tmp_path / "i.tif", RGB, transform=factory.SHEARED))
    for tile in tiles_around(facts):
        one, other = (
            tiles.Source(path).read(*tile, (1, 2, 3)) for path in (by_points, by_transform)
        )
        assert (one is None) is (other is None)
        if one and other:
            assert (one[0] == other[0]).mean() > 0.999
            masks = [
                np.full((256, 256), 255) if part[1] is None else part[1] for part in (one, other)
            ]
            assert (masks[0] == masks[1]).mean() > 0.999


@pytest.mark.parametrize("zoom", [0, 2])
def test_places_between_the_nodes_are_those_of_each_pixel(
    zoom: int, tmp_path: Path, converted: Convert, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = np.stack(np.meshgrid(np.arange(1100), np.arange(900))).astype(np.uint16)
    path, facts = converted(
        factory.write(tmp_path / "i.tif", places, transform=factory.rotated(33)),
        overview_resampling="nearest",
    )
    tile = middle_tile(facts, facts["maxzoom"] - zoom)
    interpolated = tiles.Source(path).read(*tile, (1, 2))
    monkeypatch.setattr(tiles, "may_interpolate", lambda columns, rows: False)
    each = tiles.Source(path).read(*tile, (1, 2))
    assert interpolated is not None
    assert each is not None
    assert interpolated[1] is None or zoom
    difference = np.abs(interpolated[0].astype(int) - each[0].astype(int))
    assert difference.max() <= 2**zoom
    assert (difference > 0).mean() < 0.01


@pytest.mark.parametrize(
    ("crs", "transform", "tile"),
    [
        ("EPSG:4326", Affine(0.05, 0, 170, 0, -0.05, 10), (5, 0, 15)),  # beyond 180
        ("EPSG:4326", Affine(0.05, 0, 170, 0, -0.05, 10), (5, 31, 15)),
        ("EPSG:4326", Affine(0.9, 0, 0, 0, -0.45, 90), (3, 1, 3)),  # 0 to 360
        ("EPSG:4326", Affine(0.9, 0, 0, 0, -0.45, 90), (0, 0, 0)),
        ("EPSG:3857", Affine(1e4, 0, 1.9e7, 0, -1e4, 1e6), (5, 0, 15)),
        ("EPSG:32660", Affine(2000, 0, 7e5, 0, -2000, 1e6), (6, 0, 30)),
    ],
)
def test_both_sides_of_the_antimeridian(
    crs: str, transform: Affine, tile: tuple[int, int, int], tmp_path: Path, converted: Convert
) -> None:
    """The value of a pixel is where it is, so each pixel of a tile can be looked up."""
    columns, rows = np.meshgrid(np.arange(400), np.arange(400))
    path, facts = converted(
        factory.write(
            tmp_path / "i.tif", np.stack([columns, rows]).astype(np.uint16),
            crs=crs, transform=transform,
        )
    )  # fmt: skip
    found = tiles.Source(path).read(*tile, (1, 2))
    assert found is not None
    values, mask = found
    valid = np.full((256, 256), True) if mask is None else mask > 0
    assert valid.sum() > 256 * 100
    z, x, _ = tile
    at = (np.arange(256) + 0.5) / 256
    longitude = 360 * (x + at) / 2**z - 180
    expected = longitude
    if crs == "EPSG:32660":
        assert (np.diff(np.where(valid, values[0].astype(int), 0)[128][valid[128]]) >= 0).all()
        return
    if crs == "EPSG:3857":
        expected = longitude * HALF_WORLD / 180
        turn = 2 * HALF_WORLD
    else:
        turn = 360
    column = (expected - transform.c) % turn / transform.a
    row, across = np.nonzero(valid)
    step = max(1, facts["overviews"][-1] if z == 0 and facts["overviews"] else 4)
    assert np.abs(values[0][row, across] - column[across]).max() <= step


def colours(path: Path, tile: tuple[int, int, int], style: Style) -> tuple[Image.Image, Any]:
    picture = tiles.render_tile(path, *tile, style)
    assert picture
    image = Image.open(io.BytesIO(picture.content))
    assert picture.content_type == f"image/{str(image.format).lower()}"
    assert image.size == (256, 256)
    return image, np.asarray(image.convert("RGBA"))


def middle_tile(facts: dict[str, Any], zoom: int = 0) -> tuple[int, int, int]:
    west, south, east, north = facts["bounds"]
    return factory.tile_of((west + east) / 2, (south + north) / 2, zoom or facts["maxzoom"])


def test_an_opaque_picture_is_a_jpeg_close_to_the_pixels(
    tmp_path: Path, converted: Convert
) -> None:
    path, facts = converted(factory.write(tmp_path / "i.tif", RGB))
    tile = middle_tile(facts)
    style = default_style(facts["bands"])
    assert style == Style((1, 2, 3))
    image, seen = colours(path, tile, style)
    assert image.format == "JPEG"
    found = tiles.Source(path).read(*tile, (1, 2, 3))
    assert found is not None
    assert np.abs(seen[..., :3].astype(int) - found[0].transpose(1, 2, 0)).mean() < 6


def test_what_is_transparent(tmp_path: Path, converted: Convert) -> None:
    path, facts = converted(factory.write(tmp_path / "i.tif", np.stack([*RGB, HALF]), alpha=True))
    style = default_style(facts["bands"])
    image, seen = colours(path, middle_tile(facts, 11), style)
    assert image.format == "PNG"
    assert set(np.unique(seen[..., 3])) <= {0, 255}
    assert 0 < (seen[..., 3] == 0).mean() < 1
    assert tiles.render_tile(path, facts["maxzoom"], 0, 0, style) is None


def test_a_palette_keeps_its_colours(tmp_path: Path, converted: Convert) -> None:
    values = RGB[:1] // 52
    path, facts = converted(factory.write(tmp_path / "i.tif", values, palette=factory.PALETTE))
    style = default_style(facts["bands"])
    for zoom in (facts["maxzoom"], 11):  # all within, and with an outside
        _, seen = colours(path, middle_tile(facts, zoom), style)
        found = {tuple(int(c) for c in colour) for colour in np.unique(seen.reshape(-1, 4), axis=0)}
        assert {colour for colour in found if colour[3]} <= set(factory.PALETTE.values())
        assert len(found) >= 4


def test_floats_are_stretched_and_coloured(tmp_path: Path, converted: Convert) -> None:
    path, facts = converted(factory.write(tmp_path / "i.tif", _float(np.nan), nodata=np.nan))
    style = default_style(facts["bands"])
    band = facts["bands"][0]
    assert style == Style((1,), ((band["percentile_2"], band["percentile_98"]),), "viridis")
    tile = middle_tile(facts, 11)
    image, seen = colours(path, tile, style)
    assert image.mode == "P"
    found = tiles.Source(path).read(*tile, (1,))
    assert found is not None
    values, mask = found
    assert mask is not None
    np.testing.assert_array_equal(seen[..., 3] > 0, mask > 0)
    for where, colour in (
        (values[0] <= band["percentile_2"], COLORMAPS["viridis"][0]),
        (values[0] >= band["percentile_98"], COLORMAPS["viridis"][-1]),
    ):
        assert where.any()
        assert (seen[where & (mask > 0)][:, :3] == list(bytes.fromhex(colour))).all()


@pytest.mark.parametrize(
    "values",
    [
        np.full((1, 300, 300), np.nan, np.float32),
        np.full((1, 300, 300), 5, np.float32),
        np.full((1, 300, 300), 3e38, np.float32),
        np.full((3, 300, 300), 7, np.uint16),
        factory.pixels("complex64", 1, 300, 300),
        factory.pixels("int64", 1, 300, 300),
        factory.pixels("int8", 2, 300, 300),
    ],
    ids=["all NaN", "constant", "huge", "constant RGB", "complex", "int64", "two bands"],
)
def test_odd_values_still_make_a_tile(values: Any, tmp_path: Path, converted: Convert) -> None:
    path, facts = converted(factory.write(tmp_path / "i.tif", values))
    style = default_style(facts["bands"])
    if np.isnan(values).all():
        assert tiles.render_tile(path, *middle_tile(facts), style) is None
        return
    _, seen = colours(path, middle_tile(facts), style)
    assert (seen[..., 3] > 0).any()


def bands(*kinds: tuple[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "index": index,
            "dtype": dtype,
            "color_interpretation": kind,
            "percentile_2": 1.0,
            "percentile_98": 9.0,
        }
        for index, (dtype, kind) in enumerate(kinds, start=1)
    ]


@pytest.mark.parametrize(
    ("given", "style"),
    [
        (bands(("uint8", "gray")), Style((1,), ((1.0, 9.0),))),
        (bands(("uint8", "gray"), ("uint8", "alpha")), Style((1,), ((1.0, 9.0),))),
        (bands(("int16", "gray")), Style((1,), ((1.0, 9.0),), "viridis")),
        (bands(*[("uint16", "")] * 5), Style((1,), ((1.0, 9.0),), "viridis")),
        (
            bands(("uint8", "undefined"), ("uint8", "red"), ("uint8", "green"), ("uint8", "blue")),
            Style((2, 3, 4)),
        ),
        (bands(("uint16", "palette")), Style((1,))),
        (bands(("uint8", "alpha")), Style((1,), ((1.0, 9.0),))),
    ],
)
def test_default_style(given: list[dict[str, Any]], style: Style) -> None:
    assert default_style(given) == style


def test_a_deleted_raster_is_gone_and_its_file_closed(tmp_path: Path, converted: Convert) -> None:
    path, facts = converted(factory.write(tmp_path / "i.tif", RGB))
    other, _ = converted(factory.write(tmp_path / "j.tif", RGB))
    tile, style = middle_tile(facts), Style((1, 2, 3))
    tiles.render_tile(path, *tile, style)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        tiles.render_tile(path, *tile, style)
    tiles.render_tile(other, *tile, style)
    held = [link.readlink() for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    assert not [target for target in held if str(target).startswith(str(path))]


def test_threads_do_not_disturb_each_other(tmp_path: Path, converted: Convert) -> None:
    path, facts = converted(factory.write(tmp_path / "i.tif", RGB))
    z, x, y = middle_tile(facts)
    wanted = [(z, x + i, y + j) for i in range(-1, 2) for j in range(-1, 2)]
    style = Style((1, 2, 3))
    expected = [tiles.render_tile(path, *tile, style) for tile in wanted]
    found: list[Any] = []

    def work() -> None:
        found.append([tiles.render_tile(path, *tile, style) for tile in wanted])

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 6


@pytest.mark.parametrize(
    ("tile", "exists"),
    [((0, 0, 0), True), ((0, 1, 0), False), ((3, 7, 7), True), ((3, 8, 0), False)],
)
def test_tile_exists(tile: tuple[int, int, int], exists: bool) -> None:
    assert tile_exists(*tile) is exists


def test_the_size_of_a_pixel_decides_the_largest_zoom(tmp_path: Path, converted: Convert) -> None:
    for metres in (0.25, 10, 1000):
        transform = Affine(metres, 0, 5e5, 0, -metres, 5.2e6)
        _, facts = converted(
            factory.write(tmp_path / "i.tif", RGB[:, :300, :300], transform=transform)
        )
        at_equator = 2 * HALF_WORLD / 256 / 2 ** facts["maxzoom"]
        size = at_equator * math.cos(math.radians(46.9))
        assert metres / 2 * 0.9 < size < metres * 1.1
