"""Make iceland.tif: an imagined relief on the real coastline of Iceland.

    cd backend_django/rasters/samples
    python make_iceland.py ../../../frontend_vue/node_modules/world-atlas/land-10m.json

The coastline is Natural Earth's (1 : 10 million, public domain), as packaged by world-atlas 2.0.2.
The heights are noise shaped by the distance from the sea, with domes where the large glaciers
are: good to look at, not to navigate by.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import rasterize
from rasterio.warp import transform, transform_geom

Field = NDArray[np.float64]

CRS = "EPSG:3057"  # ISN93 / Lambert 1993, the national grid
PIXEL = 400.0  # metres
WEST, NORTH = 215_000.0, 705_000.0
WIDTH, HEIGHT = 1376, 1024
BOX = (-26.0, 62.5, -12.0, 67.5)  # degrees; what is cut from the world's coastline

# Longitude, latitude, radius in km, height in m of the ice caps.
GLACIERS = [
    (-16.8, 64.42, 55, 1500),
    (-18.85, 64.82, 21, 1250),
    (-20.05, 64.68, 24, 1000),
    (-19.1, 63.65, 15, 1100),
    (-22.25, 66.16, 9, 700),
    (-23.78, 64.8, 6, 1300),
]
# Height in m and colour of the ground.
GROUND = [
    (0, "8f9f63"), (120, "7d9459"), (300, "98a06b"), (520, "b3a57c"), (760, "a58f72"),
    (1000, "8d7f74"), (1250, "b9b4b0"), (1500, "f4f7f9"), (2200, "ffffff"),
]  # fmt: skip
SEA = "4fa3b5"


def main(land_file: str) -> None:
    grid = Affine(PIXEL, 0, WEST, 0, -PIXEL, NORTH)
    land = coverage(coastline(Path(land_file)), grid)
    height, ice = relief(land, grid)
    colour = shade(ground_colour(height, ice), height)
    shallow = blur(land, 9_000)
    sea = np.array([int(SEA[i : i + 2], 16) for i in (0, 2, 4)], float)[:, None, None]
    alpha = np.clip(land + 1.5 * shallow * (1 - land), 0, 1)
    colour = np.where(
        alpha > 0, (colour * land + sea * (alpha - land)) / np.maximum(alpha, 1e-6), 0
    )
    bands = np.concatenate([colour, 255 * alpha[None]]).round().clip(0, 255).astype(np.uint8)
    target = Path(__file__).with_name("iceland.tif")
    with rasterio.open(
        target, "w", driver="GTiff", width=WIDTH, height=HEIGHT, count=4, dtype="uint8", crs=CRS,
        transform=grid, photometric="RGB", alpha="yes", compress="webp", webp_level=82, tiled=True,
    ) as dataset:  # fmt: skip
        dataset.write(bands)
        dataset.update_tags(
            TIFFTAG_IMAGEDESCRIPTION="Iceland: imagined relief on a real coastline",
            TIFFTAG_COPYRIGHT="Public domain. Coastline: Natural Earth",
        )
    print(f"{target}: {target.stat().st_size:,} bytes")  # noqa: T201


def coastline(path: Path) -> list[dict[str, Any]]:
    """Return the polygons of a TopoJSON file that touch BOX, as GeoJSON geometries in CRS."""
    topology = json.loads(path.read_text())
    scale, shift = topology["transform"]["scale"], topology["transform"]["translate"]
    arcs = [np.cumsum(np.array(arc), axis=0) * scale + shift for arc in topology["arcs"]]

    def ring(indexes: list[int]) -> list[list[float]]:
        parts = [arcs[i] if i >= 0 else arcs[~i][::-1] for i in indexes]
        return np.concatenate(parts).tolist()

    found = []
    for multi in topology["objects"]["land"]["geometries"]:
        for polygon in multi["arcs"]:
            outline = np.array(ring(polygon[0]))
            if BOX[0] < outline[:, 0].mean() < BOX[2] and BOX[1] < outline[:, 1].mean() < BOX[3]:
                rings = [ring(indexes) for indexes in polygon]
                geometry = {"type": "Polygon", "coordinates": rings}
                found.append(transform_geom("EPSG:4326", CRS, geometry))
    return found


def coverage(polygons: list[dict[str, Any]], grid: Affine) -> Field:
    """Return the part of each pixel that is land, from four by four points in it."""
    fine = grid * Affine.scale(1 / 4)
    mask = rasterize(polygons, (HEIGHT * 4, WIDTH * 4), transform=fine, dtype="uint8")
    return mask.reshape(HEIGHT, 4, WIDTH, 4).mean(axis=(1, 3))


def frequencies() -> Field:
    """Return the frequency of each coefficient of a Fourier transform, in cycles per metre."""
    return np.hypot(np.fft.fftfreq(HEIGHT, PIXEL)[:, None], np.fft.rfftfreq(WIDTH, PIXEL)[None])


def blur(values: Field, metres: float) -> Field:
    window = np.exp(-2 * (np.pi * metres * frequencies()) ** 2)
    return np.fft.irfft2(np.fft.rfft2(values) * window, values.shape)


def noise(seed: int, slope: float, longest: float) -> Field:
    """Return fractal noise, mean 0 and deviation 1, without waves of more than `longest` metres."""
    frequency = np.maximum(frequencies(), 1 / longest)
    white = np.random.default_rng(seed).standard_normal((HEIGHT, WIDTH))
    field = np.fft.irfft2(np.fft.rfft2(white) / frequency**slope, white.shape)
    return (field - field.mean()) / field.std()


def relief(land: Field, grid: Affine) -> tuple[Field, Field]:
    """Return heights in metres and how much of the ground is ice, 0 to 1."""
    inland = np.clip((blur(land, 16_000) - 0.42) / 0.58, 0, 1)
    near = np.clip((blur(land, 3_000) - 0.5) / 0.5, 0, 1)
    ridges = np.clip(1 - np.abs(noise(5, 2.0, 70_000)) * 0.8, 0, 1) ** 1.4
    rolling = noise(11, 1.9, 130_000)
    height = 25 + 560 * inland**1.3 + 430 * ridges * near * (0.35 + 0.65 * inland)
    height += 130 * rolling * inland + 18 * noise(3, 1.2, 9_000) * near
    height = np.maximum(height, 5) * np.clip(blur(land, 900) * 1.4, 0, 1)
    row, column = np.mgrid[0:HEIGHT, 0:WIDTH] + 0.5
    x, y = grid.a * column + grid.c, grid.e * row + grid.f
    wobble = noise(21, 1.6, 30_000)
    ice = np.zeros_like(height)
    for longitude, latitude, radius, top in GLACIERS:
        (east,), (north,) = transform("EPSG:4326", CRS, [longitude], [latitude])
        distance = np.hypot(x - east, (y - north) * 1.25) / (radius * 1000) * (1 + 0.10 * wobble)
        dome = np.clip(1 - distance**2, 0, None) ** 0.5
        height = np.where(dome > 0, np.maximum(height * (1 - dome), 0) + dome * top, height)
        ice = np.maximum(ice, np.clip(dome * 6 - 0.6, 0, 1))
    return height, ice


def ground_colour(height: Field, ice: Field) -> Field:
    stops = np.array([[h, *(int(c[i : i + 2], 16) for i in (0, 2, 4))] for h, c in GROUND], float)
    colour = np.stack([np.interp(height, stops[:, 0], stops[:, k]) for k in (1, 2, 3)])
    white = np.array([240, 246, 250], float)[:, None, None]
    return colour * (1 - ice) + white * ice


def shade(colour: Field, height: Field) -> Field:
    """Light the ground from the northwest, with a little from the west and north."""
    down, right = np.gradient(height * 5, PIXEL)
    light = np.zeros_like(height)
    for azimuth, weight in ((315, 0.6), (270, 0.2), (360, 0.2)):
        angle = np.radians(azimuth)
        sun = np.array([np.sin(angle), np.cos(angle)]) * np.cos(np.radians(42))
        slope = -right * sun[0] + down * sun[1] + np.sin(np.radians(42))
        light += weight * slope / np.sqrt(1 + right**2 + down**2)
    return colour * np.clip(0.42 + 0.86 * light[None], 0.35, 1.22)


if __name__ == "__main__":
    main(sys.argv[1])
