"""Resolve requirements/**/*.in into .txt files with hashes: one universal lock for all Pythons.

A feature's are in a folder of its own and agree with what the core has locked. `--check` writes
nothing, and fails when a .txt is not what its .in asks for.

Only releases that were out for a week count: bad ones are found and taken back in days. Where a
registry tells no dates, or a fix cannot wait, `LOCK_MIN_DAYS=0 make lock` takes all.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from scripts.environment import ROOT
from scripts.node import for_downloads
from scripts.uv import UV

FOLDER = ROOT / "requirements"
COMPILE = ["pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
# base before what includes it, and the core before its features. Those of the tests before those
# that are installed without them, and which agree with them.
FIRST = ("base", "production", "test", "local")

MIN_DAYS = int(os.environ.get("LOCK_MIN_DAYS", "7"))


def sources() -> list[Path]:
    def order(path: Path) -> tuple[bool, int, str]:
        rank = FIRST.index(path.stem) if path.stem in FIRST else len(FIRST)
        return path.parent != FOLDER, rank, str(path)

    return sorted(FOLDER.rglob("*.in"), key=order)


def compile_one(
    source: Path, target: Path, *, upgrade: bool = False, min_days: int = MIN_DAYS, **run: Any
) -> subprocess.CompletedProcess[Any]:
    """Lock `source` into `target`, which keeps what it has unless `upgrade`."""
    core = FOLDER / f"{'test' if source.stem == 'local' else source.stem}.txt"
    agrees = core.exists() and core != source.with_suffix(".txt")
    constraints = ["--constraints", str(core)] if agrees else []
    options = ["--generate-hashes", "--no-header", *constraints]
    if upgrade:
        options.append("--upgrade")
    if min_days:
        newest = datetime.now(UTC) - timedelta(days=min_days)
        options += ["--exclude-newer", newest.isoformat(timespec="seconds")]
    command = [str(UV), *COMPILE, *options, "--output-file", str(target), str(source)]
    return subprocess.run(command, cwd=ROOT, env=for_downloads(dict(os.environ)), **run)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="lock", description=__doc__)
    parser.add_argument("--upgrade", action="store_true", help="take newer releases")
    parser.add_argument("--check", action="store_true", help="write nothing, fail on a difference")
    options = parser.parse_args(arguments)
    stale = []
    for source in sources():
        target = source.with_suffix(".txt")
        if not options.check:
            if code := compile_one(source, target, upgrade=options.upgrade).returncode:
                return code
            continue
        with tempfile.TemporaryDirectory() as folder:
            trial = Path(folder, target.name)
            trial.write_bytes(target.read_bytes() if target.exists() else b"")
            if code := compile_one(source, trial).returncode:
                return code
            if trial.read_bytes() != target.read_bytes():
                stale.append(str(target.relative_to(ROOT)))
    if stale:
        print(f"Not what their .in files ask for: {', '.join(stale)}. Run `make lock`.")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
