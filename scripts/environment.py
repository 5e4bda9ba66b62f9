"""Paths, and the settings a developer keeps in .env. Standard library only."""

import os
import re
import secrets
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The checkout to work on: another one only where the template's program does (scripts/template.py).
PROJECT = Path(os.environ.get("PROJECT_FOLDER", ROOT))
VENV = PROJECT / ".venv"
CACHE = PROJECT / ".cache"
FRONTEND = ROOT / "frontend_vue"
DOTENV = ROOT / ".env"

GENERATED = "<generated>"  # in .env.example: a random value is put here on the first run
UNREAD_SECRETS = CACHE / "secrets-unread"  # exists until the generated password was shown once


class UsageError(Exception):
    """Something a person has to change; the message is the sentence that says what."""


def read_dotenv(path: Path | None = None) -> dict[str, str]:
    """The settings in a KEY=value file; `#` starts a comment line, quotes around a value go."""
    path, settings = path or DOTENV, {}
    if path.exists():
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            match = re.fullmatch(r"\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*?)\s*", line)
            if not match:
                raise UsageError(f"{path.name}, line {number} is not KEY=value: correct it")
            settings[match[1]] = re.sub(r"""^(["'])(.*)\1$""", r"\2", match[2])
    return settings


def create_dotenv(path: Path = DOTENV) -> bool:
    """Write .env with fresh secrets, for its owner's eyes only. False when there is one already."""
    if path.exists():
        return False
    examples = [ROOT / ".env.example", *sorted(ROOT.glob("docker/*/local.env.example"))]
    pattern = rf"(?m)^(\w+)={GENERATED}$"
    text = "\n".join(example.read_text() for example in examples)
    text = re.sub(pattern, lambda m: f"{m[1]}={_fresh_secret(m[1])}", text)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    unfinished.rename(path)
    return True


def _fresh_secret(name: str) -> str:
    """Long for keys only machines read, short enough to type for passwords (120 bits)."""
    return secrets.token_urlsafe(48 if name.endswith("_KEY") else 15)


def settings_for_children() -> dict[str, str]:
    """This process's environment over .env: what was exported for one command wins.

    An empty variable counts as unset, as in `PORT= make run`.
    """
    exported = {key: value for key, value in os.environ.items() if value}
    return {**{k: v for k, v in read_dotenv().items() if v}, **exported}


def private_folder(path: Path) -> Path:
    """Create a folder, with what is missing above it, for its owner's eyes only."""
    for folder in [*reversed(path.parents), path]:
        folder.mkdir(mode=0o700, exist_ok=True)
    return path


def data_folder(settings: dict[str, str]) -> Path:
    """Return the folder of a developer's data: DATA_DIR, else .data/."""
    return (ROOT / settings.get("DATA_DIR", ".data")).resolve()


def port_from(settings: dict[str, str], name: str, default: int) -> int:
    """A TCP port by the name of its setting."""
    text = settings.get(name, str(default))
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise UsageError(f"{name}={text} is not a port: give a number from 1 to 65535")
    return int(text)
