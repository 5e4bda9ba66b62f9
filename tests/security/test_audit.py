"""`make audit` says what it learned: a registry that is silent is no pass."""

from datetime import date

import pytest

from scripts import audit

GOOD = {"name": "a", "version": "1", "vulns": []}
BAD = {"name": "b", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}
UNKNOWN = {"name": "c", "skip_reason": "not found"}
LOCK = "a==1 \\\n    --hash=sha256:0\nb-c==2.1 ; python_version < '3.12' \\\n"
PATH = "node_modules/x/node_modules/@y/z"
NODE = {"": {}, "node_modules/a": {"version": "2.0.0"}, PATH: {"version": "1.10.0"}}
NPM = {"metadata": {"dependencies": {"total": 3}}, "vulnerabilities": {}}


@pytest.mark.parametrize(
    ("made", "said", "code", "strict"),
    [
        (audit.of_python("x", {"dependencies": [GOOD]}), "passed   x: 1 audited, 0 skipped", 0, 0),
        (audit.of_python("x", {"dependencies": [GOOD, BAD]}), "b 1: PYSEC-1, fixed in 2", 1, 1),
        (
            audit.of_python("x", {"dependencies": [GOOD, UNKNOWN]}),
            "1 audited, 1 skipped (not found)",
            0,
            1,
        ),
        (
            audit.of_python("x", {"dependencies": [UNKNOWN]}),
            "SKIPPED  x: all 1 packages, not found",
            0,
            1,
        ),
        (audit.of_python("x", {}), "SKIPPED  x: no answer", 0, 1),
        (audit.of_page("x", NPM), "passed   x: 3 audited, 0 skipped", 0, 0),
        (
            audit.of_page("x", NPM | {"vulnerabilities": {"p": {"severity": "high"}}}),
            "FAILED   x: 3 audited",
            1,
            1,
        ),
        (
            audit.of_page("x", NPM | {"vulnerabilities": {"p": {"severity": "low"}}}),
            "(minor) p: low",
            0,
            0,
        ),
        (audit.of_page("x", {"message": "405"}), "SKIPPED  x: 405", 0, 1),
        (
            audit.python_ages("x", LOCK, LOCK),
            "passed   x: 2 audited, 0 skipped, 0 younger than 7 days",
            0,
            0,
        ),
        (audit.python_ages("x", LOCK, LOCK.replace("2.1", "2.0")), "b-c 2.1", 1, 1),
        (audit.python_ages("x", LOCK, None, "no dates"), "SKIPPED  x: all 2 packages, no da", 0, 1),
        (
            audit.page_ages("x", NODE, NODE | {PATH: {"version": "1.9.10"}}),
            "FAILED   x: 2 audited, 0 skipped, 1 younger than 7 days",
            1,
            1,
        ),
        (audit.page_ages("x", NODE, NODE | {PATH: {"version": "1.11.0"}}), "0 younger", 0, 0),
        (audit.page_ages("x", NODE, {}, "ENOTFOUND"), "all 2 packages, ENOTFOUND", 0, 1),
    ],
)
def test_what_was_learned_is_counted(
    made: audit.Audit,
    said: str,
    code: int,
    strict: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(audit, "audits", lambda: [made])
    monkeypatch.delenv("AUDIT_STRICT", raising=False)
    assert audit.main() == code
    assert said in capsys.readouterr().out
    monkeypatch.setenv("AUDIT_STRICT", "1")
    assert audit.main() == strict


def test_an_image_out_of_support_is_a_weakness() -> None:
    text = audit.list_images()
    assert audit.images_in_use(text, date(2026, 11, 28)).weaknesses == []
    late = audit.images_in_use(text, date(2027, 5, 1))
    assert late.weaknesses == ["nginx:1.30, since 2027-04-30"]
    assert late.audited >= 5
