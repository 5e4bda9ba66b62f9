"""Run the fault matrix and print its table: `python -m scripts.chaos [pytest arguments]`."""

import subprocess
import sys

from scripts.environment import CACHE, ROOT


def main() -> int:
    names = ("faults", "hanging", "pipelines", "random", "slow-clients", "streams")
    reports = [CACHE / "chaos" / f"{name}.md" for name in names]
    for report in reports:
        report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-m", "chaos", "tests/chaos", *sys.argv[1:]]
    code = subprocess.run(command, cwd=ROOT).returncode
    for report in reports:
        if report.exists():
            print(f"\n{report.read_text()}", end="")
    return code


if __name__ == "__main__":
    sys.exit(main())
