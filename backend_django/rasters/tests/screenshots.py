"""Make the pictures of the README from the running product: `make run`, then in another terminal

.venv/bin/python -m backend_django.rasters.tests.screenshots [http://127.0.0.1:5000]
"""

import io
import re
import sys
from typing import Literal

from PIL import Image
from playwright.sync_api import ViewportSize, sync_playwright

from scripts.chromium import find_or_install
from scripts.environment import ROOT, read_dotenv

FOLDER = ROOT / "docs" / "images"
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
PICTURES: list[tuple[str, Literal["light", "dark"], ViewportSize]] = [
    ("light", "light", DESKTOP),
    ("dark", "dark", DESKTOP),
    ("phone", "light", PHONE),
]


def save(picture: bytes, name: str) -> None:
    path = FOLDER / f"{name}.webp"
    Image.open(io.BytesIO(picture)).save(path, quality=82, method=6)
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1024} KB")


def main() -> None:
    url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:5000"
    settings = read_dotenv()
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=find_or_install(), args=["--no-sandbox"]
        )
        for name, theme, size in PICTURES:
            context = chromium.new_context(
                base_url=url, viewport=size, color_scheme=theme, reduced_motion="reduce"
            )
            context.request.post(
                "/api/v1/auth/login/",
                data={
                    "email": settings["DJANGO_SUPERUSER_EMAIL"],
                    "password": settings["DJANGO_SUPERUSER_PASSWORD"],
                },
            )
            page = context.new_page()
            page.goto("/rasters")
            page.get_by_role("link", name=re.compile("Iceland")).click()
            page.locator("canvas").first.wait_for()
            page.wait_for_load_state("networkidle")
            save(page.screenshot(), f"raster-{name}")
            context.close()
        chromium.close()


if __name__ == "__main__":
    main()
