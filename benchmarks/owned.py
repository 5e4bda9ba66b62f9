"""What one owns of a folder: files, lines of code of the product and of its tests, words of docs.

    python -m benchmarks.owned FOLDER …

Tracked files; lines that are neither blank nor a comment alone. What a machine writes is left out:
locks, migrations, clients and types that are generated from an API.
"""

import re
import subprocess
import sys
from pathlib import Path

CODE = {".py", ".ts", ".tsx", ".vue", ".js", ".css", ".html", ".sh"}
WRITTEN = re.compile(
    r"(^|/)(migrations|alembic/versions|client)/|\.gen\.ts$|schema\.d\.ts$|\.tmpl$"
)
TESTS = re.compile(r"(^|/)tests?/|(^|/)test_|\.(test|spec)\.tsx?$|conftest\.py$")
COMMENT = re.compile(r"\s*(#|//|/?\*|<!--)")


def owned(folder: Path) -> dict[str, int]:
    """Count one folder."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=folder, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    found = {"files": 0, "lines": 0, "lines of tests": 0, "words": 0}
    for name in filter(None, listed.split("\0")):
        path = folder / name
        if not path.is_file():
            continue
        found["files"] += 1
        if path.suffix in {".md", ".rst"}:
            found["words"] += len(path.read_text(encoding="utf-8").split())
        elif path.suffix in CODE and not WRITTEN.search(name):
            lines = path.read_text(encoding="utf-8").splitlines()
            count = sum(bool(line.strip()) and not COMMENT.match(line) for line in lines)
            found["lines of tests" if TESTS.search(name) else "lines"] += count
    return found


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(name, *(f"{count:,} {what}" for what, count in owned(Path(name)).items()), sep="  ")
