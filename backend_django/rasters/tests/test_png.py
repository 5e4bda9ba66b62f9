"""PNGs of our own are read by others as what was written."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rasterio.io import MemoryFile

from backend_django.rasters.png import encode_png

from . import factory

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("shape", [(256, 256), (5, 3), (2, 1)])
def test_pixels_come_back(channels: int, shape: tuple[int, int]) -> None:
    pixels = factory.pixels("uint8", channels, *shape).transpose(1, 2, 0)
    noise = np.random.default_rng(3).integers(0, 256, pixels.shape, np.uint8)
    for values in (pixels, noise, np.full_like(pixels, 255)):
        content = encode_png(values)
        with Image.open(io.BytesIO(content)) as image:
            assert image.mode == ("L", "LA", "RGB", "RGBA")[channels - 1]
            np.testing.assert_array_equal(np.asarray(image).reshape(values.shape), values)
        with MemoryFile(content) as memory, memory.open() as dataset:
            np.testing.assert_array_equal(dataset.read().transpose(1, 2, 0), values)


def test_a_palette_comes_back() -> None:
    indexes = np.random.default_rng(4).integers(0, 3, (256, 256), np.uint8)
    palette, opaque = bytes([0, 0, 0, 10, 20, 30, 250, 0, 90]), bytes([0, 128])
    content = encode_png(indexes, palette, opaque)
    table = np.array([[0, 0, 0, 0], [10, 20, 30, 128], [250, 0, 90, 255]], np.uint8)
    with Image.open(io.BytesIO(content)) as image:
        assert image.mode == "P"
        np.testing.assert_array_equal(np.asarray(image.convert("RGBA")), table[indexes])
    with MemoryFile(content) as memory, memory.open() as dataset:
        found: Any = dataset.colormap(1)
        np.testing.assert_array_equal(dataset.read(1), indexes)
        assert [found[index] for index in range(3)] == [tuple(row) for row in table.tolist()]
