"""The addresses of a link, read by GDAL: what is no code of ours, and what QGIS is built on."""

from typing import Any

import httpx
import numpy as np
import pytest
import rasterio
from rasterio.enums import Resampling

from backend_django.rasters.processor import RasterProcessor
from tests.stack import Api, Stack

pytestmark = pytest.mark.slow

XYZ = """<GDAL_WMS>
  <Service name="TMS"><ServerUrl>{url}</ServerUrl></Service>
  <DataWindow>
    <UpperLeftX>-20037508.34</UpperLeftX><UpperLeftY>20037508.34</UpperLeftY>
    <LowerRightX>20037508.34</LowerRightX><LowerRightY>-20037508.34</LowerRightY>
    <TileLevel>{zoom}</TileLevel><TileCountX>1</TileCountX><TileCountY>1</TileCountY>
    <YOrigin>top</YOrigin>
  </DataWindow>
  <Projection>EPSG:3857</Projection><BandsCount>4</BandsCount>
  <BlockSizeX>256</BlockSizeX><BlockSizeY>256</BlockSizeY>
  <ZeroBlockHttpCodes>204,404</ZeroBlockHttpCodes>
</GDAL_WMS>"""


@pytest.fixture(scope="module")
def shared(stack: Stack) -> dict[str, Any]:
    """A link to the sample that allows the download, as its page reads it."""
    assert RasterProcessor.sample
    with stack.client() as api:
        number = api.create("rasters", RasterProcessor.sample.read_bytes(), "iceland.tif")["id"]
        assert api.wait("rasters", number)["status"] == "completed"
        made = api.post(f"rasters/shares/{number}/", json={"days": 1, "allow_download": True})
    found: dict[str, Any] = httpx.get(
        f"{stack.url}/api/v1/rasters/shared/{made.json()['token']}/"
    ).json()
    return found


def test_the_file_is_read_by_parts(shared: dict[str, Any], stack: Stack) -> None:
    assert RasterProcessor.sample
    address = f"/vsicurl/{stack.url}{shared['links']['download_cog']}"
    with rasterio.open(address) as there, rasterio.open(RasterProcessor.sample) as here:
        assert (there.crs, there.shape, there.count) == (here.crs, here.shape, here.count)
        window = ((600, 700), (800, 900))
        assert (there.read(window=window) == here.read(window=window)).all()


def test_map_layer_and_tiles_are_the_same_picture(shared: dict[str, Any], stack: Stack) -> None:
    tilejson = httpx.get(stack.url + shared["links"]["tilejson"]).json()
    [template] = tilejson["tiles"]
    for name in "zxy":
        template = template.replace(f"{{{name}}}", f"${{{name}}}")
    xyz = XYZ.format(url=template.replace("&", "&amp;"), zoom=tilejson["maxzoom"])
    shape = 4, 256, 256
    with rasterio.open(f"WMTS:{stack.url}{shared['links']['wmts']}") as layer:
        assert layer.crs.to_epsg() == 3857
        west, south, east, north = layer.bounds
        part = west + (east - west) / 4, south + (north - south) / 4, east, north
        window = layer.window(*part)
        wanted = layer.read(window=window, out_shape=shape, resampling=Resampling.nearest)
    with rasterio.open(xyz) as tiles:
        window = tiles.window(*part)
        found = tiles.read(window=window, out_shape=shape, resampling=Resampling.nearest)
    assert (wanted[3] == 255).mean() > 0.3, "there is the raster"
    difference = np.abs(wanted.astype(int) - found)
    assert np.median(difference) == 0
    assert difference.mean() < 8, "but for the pixel beside it"


def test_own_addresses_take_a_token(shared: dict[str, Any], stack: Stack, api: Api) -> None:
    own = api.get(f"rasters/results/{shared['id']}/").json()
    header = f"Authorization: {api.headers['Authorization']}"
    addresses = (
        f"/vsicurl/{stack.url}{own['download_url']}",
        f"WMTS:{stack.url}{own['links']['wmts']}",
    )
    for address in addresses:
        with rasterio.Env(GDAL_HTTP_HEADERS=header), rasterio.open(address) as opened:
            assert opened.read(1, out_shape=(1, 64, 64)).any()
