"""MAP_BASEMAPS: what it may say, what the page may then load, and from nowhere else."""

import json
import re
from copy import deepcopy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from threading import Thread
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
from django.conf import settings as configured
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from PIL import Image
from playwright.sync_api import Browser, expect
from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer

from backend_django.rasters import configure
from backend_django.rasters.basemaps import read_basemaps
from backend_django.rasters.processor import RasterProcessor
from scripts.processes import free_port
from tests.browsing import WATCH_POLICY, accessibility_problems
from tests.stack import ADMIN, ROOT, Stack, wait_for

XYZ = {
    "name": "Streets", "url": "https://tiles.example.org/{z}/{x}/{y}.png", "attribution": "© A",
}  # fmt: skip
EXAMPLE = ROOT / "frontend_vue/src/features/rasters/wmts.example.xml"
PMTILES = {"name": "World", "url": "https://files.example.net:8443/w.pmtiles", "attribution": "© B"}
WMTS = {
    "name": "Ortho", "url": "https://maps.example.com/wmts?request=GetCapabilities",
    "attribution": "© C", "layer": "ortho", "origins": ["https://t1.example.com"],
}  # fmt: skip
OWN = {"name": "Ours", "url": "/media/ours.pmtiles", "attribution": "us"}


def directives(monkeypatch: pytest.MonkeyPatch, *basemaps: dict[str, Any]) -> dict[str, Any]:
    """Return settings as they are with these basemaps."""
    names = ("PAGE_VALUES", "CONTENT_SECURITY_POLICY")
    made = {name: deepcopy(getattr(configured, name)) for name in names}
    monkeypatch.setattr(configure, "MAP_BASEMAPS", json.dumps(basemaps) if basemaps else "")
    configure.configure(made)
    return made


def added(made: dict[str, Any]) -> dict[str, set[str]]:
    """Return what a policy has that ours has not."""
    usual = configured.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    found = made["CONTENT_SECURITY_POLICY"]["DIRECTIVES"].items()
    return {name: set(sources) - set(usual[name]) for name, sources in found} | {}


@pytest.mark.parametrize(
    ("basemap", "images", "requests"),
    [
        (XYZ, {"https://tiles.example.org"}, set()),
        (PMTILES, set(), {"https://files.example.net:8443"}),
        (WMTS, *2 * ({"https://maps.example.com", "https://t1.example.com"},)),
        (OWN, set(), set()),
        (None, set(), set()),
    ],
)
def test_the_policy_lets_the_page_to_a_basemap_and_nowhere_else(
    basemap: dict[str, Any] | None,
    images: set[str],
    requests: set[str],
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
) -> None:
    made = directives(monkeypatch, *([basemap] if basemap else []))
    found = added(made)
    assert (found.pop("img-src"), found.pop("connect-src")) == (images, requests)
    assert not any(found.values())

    shown = made["PAGE_VALUES"]["basemaps"]
    assert [one["name"] for one in shown] == ([basemap["name"]] if basemap else [])
    settings.CONTENT_SECURITY_POLICY = made["CONTENT_SECURITY_POLICY"]
    header = Client().get("/health/live", secure=True)["Content-Security-Policy"]
    sent = dict(one.strip().split(" ", 1) for one in header.split(";"))
    assert images <= set(sent["img-src"].split())
    assert requests <= set(sent["connect-src"].split())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("https://tiles.example.org", "is not JSON"),
        ('{"name": "A"}', "not a list"),
        ("[1]", "not a list"),
        ([XYZ, XYZ], "two basemaps with the name 'Streets'"),
        ([XYZ | {"attribution": ""}], "no attribution"),
        ([XYZ | {"name": 5}], "no name"),
        ([XYZ | {"opacity": 1}], "'opacity'; there are attribution"),
        ([XYZ | {"max_zoom": 30}], "max_zoom"),
        ([XYZ | {"layer": "x"}], "only a WMTS has layers"),
        ([XYZ | {"origins": ["https://a.example"]}], "only a WMTS has tiles elsewhere"),
        ([XYZ | {"url": "https://{s}.example.org/{z}/{x}/{y}.png"}], "https://, the host"),
        ([XYZ | {"url": "https://a.example/{z}/{x}.png"}], "XYZ tiles have all of"),
        ([XYZ | {"url": "https://a.example/{z}/{x}/{y}{r}.png"}], "XYZ tiles have all of"),
        ([XYZ | {"url": "https://a.example/tiles"}], "name its layer"),
        ([XYZ | {"url": "https://me:secret@a.example/{z}/{x}/{y}"}], "https://, the host"),
        ([XYZ | {"url": "https://a.example; script-src */{z}/{x}/{y}"}], "https://, the host"),
        ([XYZ | {"url": "javascript:alert(1)//{z}/{x}/{y}"}], "https://, the host"),
        ([XYZ | {"url": "//a.example/{z}/{x}/{y}"}], "https://, the host"),
        ([WMTS | {"origins": ["https://a.example/tiles"]}], "origins"),
        ([WMTS | {"origins": ["*"]}], "origins"),
    ],
)
def test_a_wrong_value_is_refused_with_what_to_write(text: Any, why: str) -> None:
    text = text if isinstance(text, str) else json.dumps(text)
    with pytest.raises(ImproperlyConfigured) as refusal:
        read_basemaps(text)
    assert why in f"{refusal.value}"
    assert "For example: MAP_BASEMAPS=" in f"{refusal.value}"


def picture(z: int) -> bytes:
    """A tile in one colour: red for a level that is even, blue for another."""
    content = BytesIO()
    colour = (200, 30, 30) if z % 2 == 0 else (30, 30, 200)
    Image.new("RGB", (256, 256), colour).save(content, "PNG")
    return content.getvalue()


def archive() -> bytes:
    content = BytesIO()
    writer = Writer(content)
    for z in range(3):
        for x in range(2**z):
            for y in range(2**z):
                writer.write_tile(zxy_to_tileid(z, x, y), picture(z))
    degrees = {"min_lon_e7": -180, "min_lat_e7": -85, "max_lon_e7": 180, "max_lat_e7": 85}
    header: dict[str, Any] = {name: value * 10**7 for name, value in degrees.items()}
    header |= {"tile_type": TileType.PNG, "tile_compression": Compression.NONE}
    header |= {"center_zoom": 0, "center_lon_e7": 0, "center_lat_e7": 0}
    writer.finalize(header | {"min_zoom": 0, "max_zoom": 2}, {})
    return content.getvalue()


def capabilities(site: str) -> bytes:
    """Of a WMTS with one layer of the whole world: those of our example, with tiles of a site."""
    text = re.sub(r"<TileMatrixSetLimits>.*</TileMatrixSetLimits>", "", EXAMPLE.read_text())
    layer = re.sub(r"(<Identifier>|<ows:Identifier>)0{8}-[^<]*", r"\1ortho", text)
    return re.sub(r"https://maps\S*?/tiles/", f"{site}/tiles/", layer).encode()


class Foreign(BaseHTTPRequestHandler):
    """Another site, with tiles, a PMTiles file and the capabilities of a WMTS."""

    content = described = b""
    asked: list[tuple[str, str | None]] = []

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.asked.append((self.path, wanted))
        if self.path.startswith("/tiles/"):
            self.answer(200, picture(int(self.path.split("/")[2])))
        elif self.path.startswith("/wmts"):
            self.answer(200, self.described)
        elif wanted:
            first, last = (int(n) for n in wanted.removeprefix("bytes=").split("-"))
            self.answer(206, self.content[first : last + 1])
        else:
            self.answer(200, self.content)

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Content-Length", f"{len(body)}")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.mark.matrix
def test_basemaps_of_another_site_in_a_browser(chromium: Browser, stack: Stack) -> None:
    """It is asked when its basemap is chosen, and only then; what the page is not let to fails."""
    Foreign.content, Foreign.asked = archive(), []
    foreign = ThreadingHTTPServer(("127.0.0.1", 0), Foreign)
    Thread(target=foreign.serve_forever, daemon=True).start()
    there = f"http://127.0.0.1:{foreign.server_port}"
    Foreign.described = capabilities(there)
    basemaps = [
        XYZ | {"url": f"{there}/tiles/{{z}}/{{x}}/{{y}}"},
        PMTILES | {"url": f"{there}/world.pmtiles"},
        WMTS | {"url": f"{there}/wmts?request=GetCapabilities", "origins": []},
        XYZ | {"name": "Away", "url": f"http://127.0.0.1:{free_port()}/{{z}}/{{x}}/{{y}}"},
    ]
    port = free_port()
    own = f"http://127.0.0.1:{port}"
    stack.start_process(
        "basemaps", stack.commands["web"], PORT=f"{port}", MAP_BASEMAPS=json.dumps(basemaps)
    )
    assert RasterProcessor.sample
    with stack.client() as api:
        number = api.create("rasters", RasterProcessor.sample.read_bytes(), "i.tif")["id"]
        assert api.wait("rasters", number)["status"] == "completed"

    context = chromium.new_context(base_url=own, locale="en-GB", reduced_motion="reduce")
    context.add_init_script(WATCH_POLICY)
    wait_for(lambda: answers(own), what="the second web process is ready")
    page = context.new_page()
    elsewhere: list[str] = []
    page.on(
        "request",
        lambda sent: elsewhere.extend([] if sent.url.startswith((own, "blob:")) else [sent.url]),
    )
    assert page.request.post("/api/v1/auth/login/", data=ADMIN).ok
    page.goto(f"/rasters/{number}?at=2/30/40")
    choice = page.get_by_role("combobox", name="Basemap")
    page.wait_for_load_state("networkidle")
    assert elsewhere == []

    def shown() -> tuple[int, ...]:
        """The colour of the map where the raster is not."""
        shot = Image.open(BytesIO(page.screenshot())).convert("RGB")
        around = page.get_by_role("application").bounding_box()
        assert around
        x, y = around["x"] + around["width"] * 0.8, around["y"] + around["height"] * 0.7
        return cast("tuple[int, ...]", shot.getpixel((round(x), round(y))))

    choice.select_option("Streets")
    wait_for(lambda: shown() == (200, 30, 30))
    expect(page.get_by_text("© A")).to_be_visible()
    assert {urlsplit(url).path.split("/")[1] for url in elsewhere} == {"tiles"}
    page.wait_for_url("**basemap=Streets**")
    with page.expect_download() as started:
        page.get_by_role("button", name="Save the map as a picture").click()
    with Image.open(started.value.path()) as picture:
        saved, (width, height) = picture.convert("RGB"), picture.size
    assert saved.getpixel((width * 4 // 5, height // 2)) == (200, 30, 30)
    legend, scale = (24, height - 24), (width - 24, height - 20)
    for place in (legend, scale):  # on a ground of their own
        assert saved.getpixel(place) != (200, 30, 30), place
    assert accessibility_problems(page) == []

    page.goto(f"/rasters/{number}?at=2/30/40&basemap=World")
    expect(choice).to_have_value("World")
    wait_for(lambda: shown() == (200, 30, 30))
    ranges = [wanted for path, wanted in Foreign.asked if path == "/world.pmtiles"]
    assert ranges
    assert all(ranges)

    page.goto(f"/rasters/{number}?at=2/30/40&basemap=Ortho")
    wait_for(lambda: shown() == (200, 30, 30))
    expect(page.get_by_text("© C")).to_be_visible()
    assert "/wmts?request=GetCapabilities" in {path for path, _ in Foreign.asked}
    assert page.evaluate("window.violations") == []

    choice.select_option("Away")
    alert = page.get_by_role("alert").filter(has_text="The basemap “Away” could not be loaded.")
    expect(alert).to_be_visible()
    assert accessibility_problems(page) == []
    choice.select_option("Countries and places")
    expect(alert).to_have_count(0)
    assert page.evaluate(
        "address => fetch(address).then(() => 'read', () => 'refused')", f"http://localhost:{port}"
    ) == "refused"  # fmt: skip
    context.close()
    foreign.shutdown()
    foreign.server_close()
    stack.stop("basemaps")


def answers(url: str) -> bool:
    import httpx

    try:
        return httpx.get(f"{url}/health/ready").status_code == 200
    except httpx.TransportError:
        return False
