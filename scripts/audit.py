"""Ask the registries about known weaknesses of all that is locked, and say what was asked.

`python -m scripts.audit`. A package that nobody could say anything about is counted as skipped, and
a registry that gives no answers is a skip with its reason, never a pass. Ends with 1 when a
weakness is known (of the page's packages: high or critical); with AUDIT_STRICT=1 for a skip too.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any

from scripts.environment import FRONTEND, ROOT
from scripts.node import node_environment
from scripts.uv import UV

SERIOUS = ("high", "critical")
LOCKS = ("production", "local")


@dataclass
class Audit:
    """What was learned about one lock file."""

    name: str
    audited: int = 0
    skipped: int = 0
    why: str = ""
    weaknesses: list[str] = field(default_factory=list)
    minor: list[str] = field(default_factory=list)

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
        found = f"{len(self.weaknesses)} known weaknesses"
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
    for name in LOCKS:
        lock = f"requirements/{name}.txt"
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
    return [*made, of_page("frontend_vue/package-lock.json", report)]


def main() -> int:
    found = audits()
    print("\n".join(map(str, found)))
    strict = bool(os.environ.get("AUDIT_STRICT"))
    bad = any(audit.weaknesses or (strict and not audit.complete) for audit in found)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
