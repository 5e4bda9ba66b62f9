"""Ask the registries about known weaknesses of all that is locked, and say what was asked.

`python -m scripts.audit`. A package that nobody could say anything about is counted as skipped, and
a registry that gives no answers is a skip with its reason, never a pass. Ends with 1 when a
weakness is known (of the page's packages: high or critical) or a release is younger than a week;
with AUDIT_STRICT=1 for a skip too. How old releases are the registries' own clients know: each lock
is resolved once more as if the last week's did not exist.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from scripts.environment import FRONTEND, ROOT
from scripts.lock import compile_one, sources
from scripts.node import node_environment
from scripts.uv import UV

SERIOUS = ("high", "critical")
MIN_DAYS = 7
IMAGES = "docker/**/images/compose.yml"  # the core's and those of modules
PIN = re.compile(r"^([\w.-]+)==([^ ;\\]+)", re.M)
YOUNG = f"younger than {MIN_DAYS} days"


@dataclass
class Audit:
    """The findings about one lock file."""

    name: str
    audited: int = 0
    skipped: int = 0
    why: str = ""
    weaknesses: list[str] = field(default_factory=list)
    minor: list[str] = field(default_factory=list)
    kind: str = "known weaknesses"

    @property
    def complete(self) -> bool:
        return self.audited > 0 and not self.skipped

    def __str__(self) -> str:
        if not self.audited:
            packages = f"all {self.skipped} packages, " if self.skipped else ""
            return f"SKIPPED  {self.name}: {packages}{self.why or 'no answer'}"
        counted = f"{self.audited} audited, {self.skipped} skipped"
        if self.skipped:
            counted += f" ({self.why})"
        found = f"{len(self.weaknesses)} {self.kind}"
        lines = [f"{'FAILED' if self.weaknesses else 'passed'}   {self.name}: {counted}, {found}"]
        lines += [f"           {line}" for line in self.weaknesses]
        return "\n".join(lines + [f"           (minor) {line}" for line in self.minor])


def of_python(name: str, report: dict[str, Any]) -> Audit:
    """Read what `pip-audit --format json` printed."""
    audit = Audit(name)
    for package in report.get("dependencies", []):
        if reason := package.get("skip_reason"):
            audit.skipped += 1
            audit.why = audit.why or reason
            continue
        audit.audited += 1
        for known in package["vulns"]:
            fixed = ", ".join(known["fix_versions"]) or "no release"
            audit.weaknesses.append(
                f"{package['name']} {package['version']}: {known['id']}, fixed in {fixed}"
            )
    return audit


def of_page(name: str, report: dict[str, Any]) -> Audit:
    """Read what `npm audit --json` printed."""
    audit = Audit(name)
    if "metadata" not in report:
        audit.why = str(report.get("message", "the registry gave no report"))
        return audit
    audit.audited = report["metadata"]["dependencies"]["total"]
    for package, known in report["vulnerabilities"].items():
        serious = known["severity"] in SERIOUS
        (audit.weaknesses if serious else audit.minor).append(f"{package}: {known['severity']}")
    return audit


def _json_of(command: list[str], **options: Any) -> tuple[dict[str, Any], str]:
    """Run a command; return the document it printed, and its last words."""
    done = subprocess.run(
        command, env=node_environment(), capture_output=True, text=True, timeout=600, **options
    )
    words = (done.stderr or done.stdout).strip().rpartition("\n")[2]
    try:
        return json.loads(done.stdout), words
    except ValueError:
        return {}, words


def audits() -> list[Audit]:
    """Audit every lock file."""
    made = []
    for source in sources():
        lock = str(source.with_suffix(".txt").relative_to(ROOT))
        report, words = _json_of(
            [
                *(str(UV), "run", "--quiet", "--isolated", "--no-project"),
                *("--with-requirements", "requirements/lint.txt"),
                *("pip-audit", "--require-hashes", "--disable-pip", "--requirement", lock),
                *("--format", "json", "--progress-spinner", "off"),
            ],
            cwd=ROOT,
        )
        audit = of_python(lock, report)
        audit.why = audit.why or words
        made.append(audit)
    report, _ = _json_of(["npm", "audit", "--json"], cwd=FRONTEND)
    made.append(of_page("frontend_vue/package-lock.json", report))
    images = images_in_use(list_images(), datetime.now(UTC).date())
    return [*made, *map(age_of_python, sources()), age_of_page(), images]


def list_images() -> str:
    return "".join(path.read_text() for path in sorted(ROOT.glob(IMAGES)))


def images_in_use(text: str, today: date) -> Audit:
    """Return whether the makers of the images of others still mend them."""
    audit = Audit(IMAGES, kind="out of support", why="no date of their makers")
    for line in re.findall(r"^  \w+: \{image: .*", text, re.M):
        image = re.findall(r'image: "([^"]+)"', line)[0]
        until = re.findall(r"x-until: ([\d-]+)", line)
        audit.audited += bool(until)
        audit.skipped += not until
        if until and date.fromisoformat(until[0]) < today:
            audit.weaknesses.append(f"{image}, since {until[0]}")
    return audit


def age_of_python(source: Path) -> Audit:
    """Return whether a lock stays as it is without the releases of the last days."""
    target = source.with_suffix(".txt")
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(shutil.copy(target, folder))
        done = compile_one(source, trial, min_days=MIN_DAYS, capture_output=True, text=True)
        kept = trial.read_text() if done.returncode == 0 else None
    why = " ".join(str(done.stderr).split())[-200:]
    return python_ages(str(target.relative_to(ROOT)), target.read_text(), kept, why)


def python_ages(name: str, locked: str, kept: str | None, why: str = "") -> Audit:
    """Compare a lock with what uv made of it; None when uv could not."""
    pins, audit = set(PIN.findall(locked)), Audit(name, kind=YOUNG, why=why)
    if kept is None:
        audit.skipped = len(pins)
    else:
        audit.audited = len(pins)
        audit.weaknesses = [" ".join(pin) for pin in sorted(pins - set(PIN.findall(kept)))]
    return audit


def age_of_page() -> Audit:
    """The same for the page's packages: npm resolves them anew, up to what is locked."""
    package = json.loads((FRONTEND / "package.json").read_text())
    for group in ("dependencies", "devDependencies"):
        package[group] = {name: f"<={version}" for name, version in package[group].items()}
    before = (datetime.now(UTC) - timedelta(days=MIN_DAYS)).isoformat(timespec="seconds")
    command = ["npm", "install", "--package-lock-only", "--ignore-scripts", "--legacy-peer-deps"]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "package.json").write_text(json.dumps(package))
        _, why = _json_of([*command, "--before", before], cwd=folder)
        made = Path(folder, "package-lock.json")
        fresh = json.loads(made.read_text())["packages"] if made.exists() else {}
    locked = json.loads((FRONTEND / "package-lock.json").read_text())["packages"]
    return page_ages("frontend_vue/package-lock.json", locked, fresh, why)


def page_ages(name: str, locked: dict[str, Any], fresh: dict[str, Any], why: str = "") -> Audit:
    """Compare two locks of npm's: what is locked and newer than what it takes now is young."""

    def number(version: str) -> list[int]:
        return [int(part) for part in re.findall(r"\d+", version)[:3]]

    audit = Audit(name, kind=YOUNG, why=why if not fresh else "no longer at this place")
    for path, package in locked.items():
        if not path:
            continue
        if path not in fresh:
            audit.skipped += 1
            continue
        audit.audited += 1
        if number(package["version"]) > number(fresh[path]["version"]):
            audit.weaknesses.append(f"{path.rpartition('node_modules/')[2]} {package['version']}")
    return audit


def main() -> int:
    found = audits()
    print("\n".join(map(str, found)))
    strict = bool(os.environ.get("AUDIT_STRICT"))
    bad = any(audit.weaknesses or (strict and not audit.complete) for audit in found)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
