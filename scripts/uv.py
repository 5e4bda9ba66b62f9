"""Fetch uv, which installs everything else: with the pip of this Python, or without any pip.

The second way is for machines whose Python came without pip (Debian's `python3` package). Both
check the download against the hashes in requirements/tools.txt.
"""

import glob
import hashlib
import importlib.util
import io
import os
import platform
import re
import ssl
import sys
import urllib.parse
import urllib.request
import zipfile
from pathlib import Path

from scripts.environment import CACHE, ROOT

REQUIREMENTS = ROOT / "requirements" / "tools.txt"
FOLDER = CACHE / "uv"
UV = FOLDER / "bin" / "uv"
TIMEOUT_SECONDS = 30


def find_pip() -> list[str] | None:
    """A command that runs pip: straight from the wheel Python carries, or the installed one."""
    wheels = glob.glob("/usr/share/python-wheels/pip-*.whl")  # where Debian puts it
    if (spec := importlib.util.find_spec("ensurepip")) and spec.origin:
        wheels += glob.glob(str(Path(spec.origin).parent / "_bundled" / "pip-*.whl"))
    if wheels:
        return [sys.executable, f"{wheels[-1]}/pip"]
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    return None


def pip_install(pip: list[str]) -> list[str]:
    """The command that installs uv into FOLDER with this pip."""
    quiet = ["--disable-pip-version-check", "--no-input", "--retries", "2"]
    checked = ["--require-hashes", "--no-deps", "--only-binary", ":all:"]
    return [*pip, "install", *quiet, *checked, "--target", str(FOLDER), "-r", str(REQUIREMENTS)]


def download() -> None:
    """Put uv into FOLDER without pip. Raises OSError (network, disk) or LookupError."""
    index = next(
        (os.environ[name] for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
         if os.environ.get(name)), "https://pypi.org/simple",
    )  # fmt: skip
    text = REQUIREMENTS.read_text()
    version, hashes = re.search(r"^uv==(\S+)", text, re.M), re.findall(r"sha256:(\w+)", text)
    assert version is not None
    page_url = f"{index.rstrip('/')}/uv/"
    links = re.findall(r'href="([^"]+)"', _get(page_url).decode())
    for link in links:
        name = urllib.parse.unquote(urllib.parse.urlparse(link).path.rsplit("/", 1)[-1])
        if name.startswith(f"uv-{version[1]}-") and fits_this_machine(name):
            wheel = _get(urllib.parse.urljoin(page_url, link))
            if hashlib.sha256(wheel).hexdigest() not in hashes:
                raise LookupError(f"{name} is not the file that {REQUIREMENTS} names")
            _unpack(wheel)
            return
    raise LookupError(f"no uv {version[1]} for this machine at {page_url}")


def fits_this_machine(wheel: str, system: str = sys.platform, machine: str = "") -> bool:
    """Return whether a wheel of uv, by its file name, runs here."""
    machine = (machine or platform.machine()).lower()
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine)
    tags = wheel.removesuffix(".whl").split("-")[-1]
    if system == "darwin":
        return tags.startswith("macosx") and tags.endswith(machine.replace("aarch64", "arm64"))
    musl = bool(glob.glob("/lib/ld-musl-*"))
    return tags.endswith(machine) and (("musllinux" if musl else "manylinux") in tags)


def _get(url: str) -> bytes:
    context = ssl.create_default_context()
    if bundle := os.environ.get("PIP_CERT"):
        context.load_verify_locations(bundle)
    with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS, context=context) as response:
        return bytes(response.read())


def _unpack(wheel: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        member = next(name for name in archive.namelist() if name.endswith("/scripts/uv"))
        UV.parent.mkdir(parents=True, exist_ok=True)
        UV.write_bytes(archive.read(member))
    UV.chmod(0o755)


if __name__ == "__main__":
    download()
