"""Several rasters as one: its pixels are those that GDAL would put there, its place is PROJ's."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio.enums import ColorInterp, MaskFlags, Resampling
from rasterio.merge import merge as gdal_merge
from rasterio.vrt import WarpedVRT
from rasterio.warp import Resampling as Warp
from rasterio.warp import reproject

from backend_django.processing.errors import ProcessingError
from backend_django.rasters.mosaic import merge_rasters
from backend_django.rasters.settings import LIMITS

from . import factory
from .cog_check import check_cog

pytestmark = pytest.mark.slow

Merge = Callable[..., tuple[Path, dict[str, Any]]]
SIDE = 260  # pixels of most rasters here


@pytest.fixture
def merge(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Merge:

    def run(*sources: Path, crs: str = "", resolution: float | None = None, **more: Any) -> Any:
        target = tmp_path / "mosaic.cog.tif"
        limits = LIMITS | more.pop("limits", {})
        told: list[float] = []
        data = merge_rasters(
            {
                "sources": [
                    {"path": str(path), "name": f"{path.stem}.cog.tif"} for path in sources
                ],
                "name": "mosaic",
                "crs": crs,
                "resolution": resolution,
                "target": str(target),
                "preview": str(tmp_path / "preview.webp"),
                "parameters": {"profile": "auto", "values": "auto", **more},
                "limits": limits,
            },
            lambda step, fraction: told.append(fraction),
        )
        assert told == sorted(told)
        check_cog(target)
        return target, data

    return run


def at(column: int, row: int, pixel: float = 10.0) -> Affine:
    """Return the place of a raster whose corner is so many pixels from ORIGIN."""
    return factory.ORIGIN * Affine.translation(column, row) * Affine.scale(pixel / 10)


def tile(
    path: Path, column: int = 0, row: int = 0, *, seed: int = 1, dtype: str = "uint8", **case: Any
) -> Path:
    values = np.roll(factory.pixels(dtype, case.pop("count", 1), SIDE, SIDE), 37 * seed, axis=2)
    values = case.pop("values", values)
    return factory.write(path, values, **{"transform": at(column, row), **case})


def read(path: Path) -> tuple[NDArray[Any], NDArray[np.uint8], Any]:
    with rasterio.open(path) as dataset:
        return dataset.read(), dataset.dataset_mask(), dataset.profile


def test_tiles_that_touch_are_copied(merge: Merge, tmp_path: Path) -> None:
    sources = [
        tile(tmp_path / f"{x}{y}.tif", SIDE * x, SIDE * y, seed=2 * x + y, count=3)
        for x in range(2)
        for y in range(2)
    ]
    path, data = merge(*sources)
    values, mask, profile = read(path)
    expected, transform = gdal_merge(sources, method="last")
    assert (values == expected).all()
    assert profile["transform"] == transform
    assert mask.all()
    assert (data["width"], data["height"], data["nodata"]) == (2 * SIDE, 2 * SIDE, None)
    assert data["converted_because"] == "it was made of 4 rasters"
    assert data["bands"][0]["valid_count"] == 4 * SIDE**2
    corner = Transformer.from_crs(32632, 4326, always_xy=True).transform(
        500_000 + 20 * SIDE, 5_200_000 - 20 * SIDE
    )
    assert data["bounds"][2] == pytest.approx(corner[0], abs=1e-4)
    assert data["bounds"][1] == pytest.approx(corner[1], abs=1e-4)


@pytest.mark.parametrize(
    "case",
    [
        {"dtype": "uint16", "nodata": 0},
        {"dtype": "float32", "nodata": -9999},
        pytest.param({"dtype": "float32", "nodata": np.nan}, marks=pytest.mark.matrix),
        pytest.param({"dtype": "int16", "nodata": -32768, "count": 3}, marks=pytest.mark.matrix),
        pytest.param({"dtype": "float64", "nodata": 0}, marks=pytest.mark.matrix),
    ],
    ids=str,
)
def test_the_last_is_on_top_where_it_has_something(
    merge: Merge, tmp_path: Path, case: dict[str, Any]
) -> None:
    sources = []
    for number, place in enumerate([(0, 0), (150, 90), (-80, 140)]):
        values = factory.pixels(case["dtype"], case.get("count", 1), SIDE, SIDE).copy()
        values = np.roll(values, 61 * number, axis=1)
        values[:, factory.ellipse(SIDE, SIDE) == 0] = case["nodata"]
        sources.append(tile(tmp_path / f"{number}.tif", *place, values=values, **case))
    path, data = merge(*sources)
    values, _, profile = read(path)
    expected, transform = gdal_merge(sources, method="last")
    np.testing.assert_array_equal(values, expected)
    assert profile["transform"] == transform
    assert repr(float(profile["nodata"])) == repr(float(case["nodata"]))
    valid = ~np.isnan(expected) if np.isnan(case["nodata"]) else expected != case["nodata"]
    assert data["bands"][0]["valid_count"] == valid[0].sum()


def test_nodata_of_one_is_a_value_of_another(merge: Merge, tmp_path: Path) -> None:
    left = np.full((1, SIDE, SIDE), 7, np.uint8)
    left[:, :50] = 0  # missing here,
    right = np.full((1, SIDE, SIDE), 0, np.uint8)  # a value there
    right[:, 60:] = 255
    sources = [
        tile(tmp_path / "left.tif", values=left, nodata=0),
        tile(tmp_path / "right.tif", SIDE, values=right, nodata=255),
    ]
    path, data = merge(*sources)
    values, mask, profile = read(path)
    assert profile["nodata"] is None
    assert (mask[:, :SIDE] > 0).tolist() == (left[0] != 0).tolist()
    assert (mask[:, SIDE:] > 0).tolist() == (right[0] != 255).tolist()
    assert (values[0][mask > 0] == np.hstack([left[0], right[0]])[mask > 0]).all()
    assert data["bands"][0]["valid_count"] == 210 * SIDE + 60 * SIDE


def test_a_gap_is_missing_and_not_black(merge: Merge, tmp_path: Path) -> None:
    sources = [tile(tmp_path / "a.tif"), tile(tmp_path / "b.tif", 2 * SIDE, SIDE)]
    path, _ = merge(*sources)
    values, mask, _ = read(path)
    assert values.shape == (1, 2 * SIDE, 3 * SIDE)
    assert (mask > 0).sum() == 2 * SIDE**2
    assert mask[0, 0]
    assert not mask[0, SIDE]
    with rasterio.open(path) as dataset:
        assert dataset.mask_flag_enums[0] == [MaskFlags.per_dataset]


def test_masks_and_opacity_are_heeded(merge: Merge, tmp_path: Path) -> None:
    ellipse = factory.ellipse(SIDE, SIDE)
    colours = factory.pixels("uint8", 3, SIDE, SIDE)
    clear = np.concatenate([colours[::-1], ellipse[None]])
    sources = [
        tile(tmp_path / "plain.tif", values=colours),
        tile(tmp_path / "masked.tif", 100, values=colours, mask=ellipse),
        tile(tmp_path / "clear.tif", 200, values=clear, alpha=True),
    ]
    path, _ = merge(*sources)
    with rasterio.open(path) as dataset:
        values = dataset.read()
        assert dataset.colorinterp[3] == ColorInterp.alpha
    expected = np.zeros((4, SIDE, SIDE + 200), np.uint8)
    layers = (
        (0, colours, np.full_like(ellipse, 255)),
        (100, colours, ellipse),
        (200, clear, ellipse),
    )
    for column, pixels, alpha in layers:
        place = expected[:, :, column : column + SIDE]
        np.copyto(place, np.concatenate([pixels[:3], alpha[None]]), where=alpha > 0)
    assert (values == expected).all()


def test_classes_stay_classes(merge: Merge, tmp_path: Path) -> None:
    fields = np.kron(np.arange(100).reshape(1, 10, 10) % 5, np.ones((26, 26), int)).astype("uint8")
    sources = [
        tile(tmp_path / "a.tif", values=fields, palette=factory.PALETTE),
        tile(tmp_path / "b.tif", 100, 33, values=fields[:, ::-1], palette=factory.PALETTE),
        # off the grid: still no class that was not there
        tile(
            tmp_path / "c.tif",
            values=fields,
            palette=factory.PALETTE,
            transform=at(40, 300) * Affine.translation(0.4, 0.3),
        ),
    ]
    path, data = merge(*sources)
    with rasterio.open(path) as dataset:
        assert dataset.colormap(1)[2] == factory.PALETTE[2]
        small = dataset.read(1, masked=True, out_shape=(70, 45))
    assert data["values"] == "classes"
    assert {one["value"] for one in data["bands"][0]["classes"]} == {0, 1, 2, 3, 4}
    assert set(np.unique(small.compressed())) <= {0, 1, 2, 3, 4}
    with rasterio.open(path, OVERVIEW_LEVEL=0) as overview:
        assert set(np.unique(overview.read(1))) <= {0, 1, 2, 3, 4}


def warped(source: Path, crs: Any, transform: Affine, shape: Any, how: Warp) -> Any:
    """Return what gdalwarp makes of a raster on a grid, and where that is something."""
    with rasterio.open(source) as dataset:
        pixels, valid = (
            reproject(
                band, np.zeros(shape, np.float64), src_transform=dataset.transform,
                src_crs=dataset.crs, dst_transform=transform, dst_crs=crs, resampling=how,
            )[0]
            for band in (dataset.read(1).astype(float), np.ones(dataset.shape))
        )  # fmt: skip
    return pixels, valid == 1


@pytest.mark.parametrize("values", ["continuous", "classes"])
def test_another_system_and_resolution(merge: Merge, tmp_path: Path, values: str) -> None:
    """The usual CRS and the finest pixels are those of the mosaic; who has them is copied."""
    levels = np.round(factory.pixels("uint8", 1, SIDE, SIDE) / 40).astype("uint8")
    coarse = tile(tmp_path / "coarse.tif", values=levels, transform=at(0, 0, 20))
    to_33 = Transformer.from_crs(32632, 32633, always_xy=True)
    x, y = to_33.transform(504_000, 5_198_000)
    other = tile(
        tmp_path / "other.tif", values=levels, crs="EPSG:32633",
        transform=Affine(15, 0, x, 0, -15, y),
    )  # fmt: skip
    fine = tile(tmp_path / "fine.tif", 20, 30, values=levels)
    path, data = merge(coarse, other, fine, values=values)
    found, mask, profile = read(path)
    assert data["crs"]["epsg"] == 32632
    transform = profile["transform"]
    assert (transform.a, transform.e) == (10, -10)
    assert (transform.c % 10, transform.f % 10) == (0, 0)
    how = Warp.bilinear if values == "continuous" else Warp.nearest
    expected = np.zeros(mask.shape)
    for source in (coarse, other, fine):
        pixels, valid = warped(source, "EPSG:32632", transform, mask.shape, how)
        np.copyto(expected, pixels, where=valid)
    left, top = ~transform * (500_200, 5_199_700)
    window = np.s_[round(top) : round(top) + SIDE, round(left) : round(left) + SIDE]
    assert (found[0][window] == levels[0]).all(), "what lies on the grid is copied"
    inner = mask > 0
    assert inner.sum() > 0.9 * SIDE**2 * (4 + 2.2)
    difference = np.abs(found[0].astype(float) - expected)[inner]
    assert (difference > 1).mean() < 0.01
    west, south, east, north = data["bounds"]
    corners = Transformer.from_crs(32633, 4326, always_xy=True).transform(
        [x, x + 15 * SIDE], [y - 15 * SIDE, y - 15 * SIDE]
    )
    assert east == pytest.approx(corners[0][1], abs=1e-3)
    assert south == pytest.approx(min(corners[1]), abs=1e-3)
    assert west < east
    assert south < north


def test_system_and_resolution_that_were_asked_for(merge: Merge, tmp_path: Path) -> None:
    sources = [tile(tmp_path / "a.tif"), tile(tmp_path / "b.tif", SIDE, 20)]
    path, data = merge(*sources, crs="EPSG:3035", resolution=25.0)
    _, _, profile = read(path)
    assert data["crs"]["epsg"] == 3035
    transform = profile["transform"]
    assert (transform.a, transform.e) == (25, -25)
    assert (transform.c % 25, transform.f % 25) == (0, 0), "as gdalwarp -tap"
    with rasterio.open(sources[0]) as dataset, WarpedVRT(dataset, crs="EPSG:3035") as alone:
        assert transform.c <= alone.bounds.left + 25
    with pytest.raises(ProcessingError, match="no coordinate reference system") as refused:
        merge(*sources, crs="EPSG:99999")
    assert refused.value.code == "crs_unknown"


def test_both_sides_of_the_antimeridian(merge: Merge, tmp_path: Path) -> None:
    degrees: dict[str, Any] = {"crs": "EPSG:4326"}
    sources = [
        tile(tmp_path / "west.tif", transform=Affine(0.05, 0, 167, 0, -0.05, 10), **degrees),
        tile(
            tmp_path / "east.tif", seed=2, transform=Affine(0.05, 0, -180, 0, -0.05, 10), **degrees
        ),
    ]
    path, data = merge(*sources)
    values, mask, profile = read(path)
    assert profile["transform"].c == 167
    assert data["width"] == 2 * SIDE
    assert data["bounds"] == pytest.approx([167, -3, 193, 10])
    assert mask.all()
    halves = [read(source)[0] for source in sources]
    assert (values == np.concatenate(halves, axis=2)).all()
    reversed_, _ = merge(*sources[::-1])
    assert (read(reversed_)[0] == values).all()


@pytest.mark.matrix
def test_antimeridian_between_zones(merge: Merge, tmp_path: Path) -> None:
    """Degrees of rasters of the first and the last zone: next to each other, not a world apart."""
    place: dict[str, Any] = {"transform": Affine(100, 0, 200_000, 0, -100, 2_000_000)}
    sources = [
        tile(tmp_path / "first.tif", crs="EPSG:32601", **place),
        tile(tmp_path / "last.tif", crs="EPSG:32660", **place),
    ]
    path, data = merge(*sources, crs="EPSG:4326")
    west, _, east, _ = data["bounds"]
    assert 170 < west < 180 < east < 190
    assert (read(path)[1] > 0).mean() > 0.05
    path, data = merge(*sources)
    assert data["crs"]["epsg"] == 32601


@pytest.mark.matrix
@pytest.mark.parametrize("name", ["rotated", "south up"])
def test_odd_places(merge: Merge, tmp_path: Path, name: str) -> None:
    values = factory.pixels("uint8", 1, SIDE, SIDE)
    case: dict[str, Any] = {
        "rotated": {"transform": factory.rotated(30)},
        "south up": {"transform": Affine(10, 0, 500_000, 0, 10, 5_197_400)},
    }[name]
    odd = factory.write(tmp_path / "odd.tif", values, **case)
    plain = tile(tmp_path / "plain.tif", 400, 0)
    path, _ = merge(plain, odd, values="continuous")
    with rasterio.open(odd) as dataset, rasterio.open(path) as mosaic:
        whole = WarpedVRT(
            dataset, crs=mosaic.crs, transform=mosaic.transform, width=mosaic.width,
            height=mosaic.height, resampling=Resampling.bilinear, add_alpha=True,
        )  # fmt: skip
        expected, mask = whole.read(1), whole.read_masks(1) > 0
        found = mosaic.read(1)
        assert mask.sum() > 0.8 * SIDE**2
        assert (mosaic.dataset_mask()[mask] > 0).mean() > 0.99
        assert (np.abs(found.astype(int) - expected)[mask] > 1).mean() < 0.01


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"count": 3}, "“odd” has bands: 3, the others have bands: 1"),
        ({"dtype": "uint16"}, "“odd” has the type uint16, the others have the type uint8"),
        ({"palette": factory.PALETTE}, "“odd” has the colour table 1 "),
    ],
    ids=["bands", "type", "colours"],
)
def test_what_does_not_go_together_is_refused_by_name(
    merge: Merge, tmp_path: Path, other: dict[str, Any], words: str
) -> None:
    sources = [tile(tmp_path / "a.tif"), tile(tmp_path / "odd.tif", SIDE, **other)]
    with pytest.raises(ProcessingError) as refused:
        merge(*sources, tile(tmp_path / "c.tif", 2 * SIDE))
    assert refused.value.code == "rasters_differ"
    assert words in refused.value.message


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_control_points_are_no_grid(merge: Merge, tmp_path: Path) -> None:
    points: dict[str, Any] = {
        "gcps": factory.ground_control_points(SIDE, SIDE),
        "transform": None,
        "crs": None,
    }
    with pytest.raises(ProcessingError, match="“odd” is placed by ground control points"):
        merge(tile(tmp_path / "a.tif"), tile(tmp_path / "odd.tif", **points))


def test_scale_is_part_of_the_meaning(merge: Merge, tmp_path: Path) -> None:
    sources = [tile(tmp_path / f"{name}.tif") for name in "ab"]
    with rasterio.open(sources[1], "r+") as dataset:
        dataset.scales = [0.1]
    with pytest.raises(ProcessingError, match=r"“b” has the scale and offset 0\.1 and 0"):
        merge(*sources)


def test_a_mosaic_of_the_world_is_refused_before_it_is_begun(merge: Merge, tmp_path: Path) -> None:
    far = Affine(10, 0, 500_000, 0, -10, 0)
    sources = [tile(tmp_path / "a.tif"), tile(tmp_path / "b.tif", transform=far)]
    with pytest.raises(ProcessingError) as refused:
        merge(*sources, limits={"uncompressed": 100_000_000})
    assert refused.value.code == "too_large"
    assert "coarser resolution" in refused.value.message
    with pytest.raises(ProcessingError) as refused:
        merge(*sources, limits={"seconds": 0.01})
    assert refused.value.code == "too_much_work"
    assert "coarser resolution" in refused.value.message
    assert not list(tmp_path.glob("merged.tif"))


def test_nodata_that_no_pixel_can_have_is_none(merge: Merge, tmp_path: Path) -> None:
    sources = [tile(tmp_path / "a.tif", nodata=200), tile(tmp_path / "b.tif", SIDE, nodata=200)]
    for path in sources:  # rasterio writes no such value
        content = path.read_bytes()
        path.write_bytes(content.replace(b"\x04\0\0\x00200\0", b"\x04\0\0\x00300\0"))
        assert path.read_bytes() != content
    values, mask, profile = read(merge(*sources)[0])
    assert np.array_equal(values, np.concatenate([read(one)[0] for one in sources], axis=2))
    assert (mask.min(), profile["nodata"]) == (255, None)


def test_pixel_that_lacks_a_band_is_missing_where_bands_share_a_mask(
    merge: Merge, tmp_path: Path
) -> None:
    pairs = []
    for name, column, nodata in (("a", 0, 0), ("b", SIDE, 65535)):
        values = np.full((2, SIDE, SIDE), 1000, "uint16")
        values[1, 100:200] = nodata
        pairs.append(tile(tmp_path / f"{name}.tif", column, values=values, nodata=nodata))
    values, mask, _ = read(merge(*pairs)[0])
    assert np.array_equal(mask[:100], np.full((100, 2 * SIDE), 255))
    assert mask[100:200].max() == 0
    assert set(values[:, mask > 0].ravel()) == {1000}


def test_offsets_that_differ_a_little_are_not_one(merge: Merge, tmp_path: Path) -> None:
    paths = [tile(tmp_path / "a.tif"), tile(tmp_path / "b.tif", SIDE)]
    for path, offset in zip(paths, (101325.1, 101325.4), strict=True):
        with rasterio.open(path, "r+") as dataset:
            dataset.offsets = [offset]
    with pytest.raises(ProcessingError, match="offset"):
        merge(*paths)
