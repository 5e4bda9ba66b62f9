"""A new project: by `make new` in a clone, or by `copier copy`; the same tree both ways."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from backend_django.utils.project import read_project
from scripts import new
from scripts.environment import UsageError
from tests.stack import ROOT
from tests.tree import environment_of_a_person, run

from .conftest import RELEASE, copier, files, git, make, without_home

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
ANSWERS = ".copier-answers.yml"
OF_COPIER = re.compile(r"copier\.yml|\.copier-answers\.yml|.*\.jinja")
OF_THE_TEMPLATE = re.compile(
    r"CHANGELOG\.md|\.ci/more|\.github/workflows/template\.yml|benchmarks/.*"
    r"|docs/((template|performance|commands)\.md|api/.*"
    r"|decisions/.*|images/bench/.*)|requirements/((rasters/)?bench|template)\..*|tests/test_(howto|removal)\.py"
    r"|scripts/((new|merge|render)\.py|chaos\.py|template\.mk|licenses/.*)|tests/(template|chaos|feature)/.*"
    r"|tests/run/test_(bootstrap|services|stack|supervisor)\.py"
)


@pytest.mark.matrix
def test_default_answers_reproduce_the_repository(released: Path, tmp_path: Path) -> None:
    made = tmp_path / "made"
    copier("copy", "--quiet", "--defaults", f"--vcs-ref={RELEASE}", released, made)
    git(made, "init", "--quiet")
    ours = {name: text for name, text in files(released).items() if not OF_COPIER.fullmatch(name)}
    theirs = {name: text for name, text in files(made).items() if not OF_COPIER.fullmatch(name)}
    assert sorted(ours) == sorted(theirs)
    assert [name for name in ours if ours[name] != theirs[name]] == []


def test_there_are_few_templates_and_no_tasks() -> None:
    # All but that of the packages are what a project says of itself: its name, license, contact.
    assert sorted(name for name in files(ROOT) if name.endswith(".jinja")) == [
        ".copier-answers.yml.jinja", "LICENSE.jinja", "README.md.jinja", "SECURITY.md.jinja",
        "frontend_vue/package.json.jinja", "project.toml.jinja",
    ]  # fmt: skip
    assert [name for name in files(ROOT) if re.search(r"[{}%*?|<>:\"\\]", name)] == []
    settings = (ROOT / "copier.yml").read_text()
    assert not re.search(r"(?m)^_(tasks|migrations|jinja_extensions):", settings)


@pytest.mark.matrix
def test_a_clone_becomes_what_copier_makes(clone: Path, project_made: Path) -> None:
    done = make(clone, "new", NAME="River Watch", WITHOUT="rasters")
    assert done.returncode == 0, done.stderr
    assert without_home(files(clone)) == without_home(files(project_made))
    assert f"_commit: {RELEASE}" in (clone / ANSWERS).read_text()
    home = json.dumps("git+" + git(clone, "remote", "get-url", "template").strip())
    assert f"_src_path: {home}" in (clone / ANSWERS).read_text()
    assert git(clone, "log", "--format=%an: %s").splitlines() == ["Tests: Start River Watch"]
    assert git(clone, "status", "--porcelain") == ""
    git(clone, "fetch", "--quiet", "template")
    assert git(clone, "tag") == ""
    assert git(clone, "remote") == "template\n"
    assert git(clone, "cat-file", "-t", f"template/{RELEASE}") == "commit\n"
    assert not list(clone.rglob("rasters"))


@pytest.mark.matrix
def test_a_new_project_has_its_name_and_nothing_of_the_template(project: Path) -> None:
    toml = (project / "project.toml").read_text()
    assert 'name = "River Watch"\nslug = "river-watch"\nversion = "0.1.0"\n' in toml
    readme = (project / "README.md").read_text()
    assert readme.startswith(
        "# River Watch\n\nRiver Watch turns uploads into results.\n\n## Start\n"
    )
    assert "make run" in readme
    assert "template" not in readme.lower()
    left = [name for name in files(project) if OF_THE_TEMPLATE.fullmatch(name)]
    assert left == []
    links = "tests/test_readme.py::test_links_lead_somewhere[README.md]"
    targets = "tests/test_readme.py::test_targets_of_make_exist"
    tests = ("tests/site_config/test_project.py", links, targets, "tests/run/test_make.py")
    assert " passed" in run(
        project, "pytest", "-q", "-p", "no:cacheprovider", "-m", "not slow", *tests
    )


@pytest.mark.matrix
@pytest.mark.parametrize(
    ("license_chosen", "digest"),
    [  # of the texts as the SPDX list and the FSF publish them, without the lines of the copyright
        ("MIT", "f9c4c77b"),
        ("Apache-2.0", "cfc7749b"),
        ("AGPL-3.0-or-later", "0d96a4ff"),
        ("proprietary", None),
    ],
)
def test_a_project_has_the_license_that_was_chosen_and_its_contact(
    released: Path, tmp_path: Path, license_chosen: str, digest: str | None
) -> None:
    made = tmp_path / "made"
    data = {"name": "River Watch", "author": "A. Nyone", "license": license_chosen,
            "contact": "safe@river.example", "year": "2019"}  # fmt: skip
    given = [f"--data={key}={value}" for key, value in data.items()]
    copier("copy", "--quiet", "--defaults", *given, released, made)
    notice, text = (made / "LICENSE").read_text().split("Copyright (c) 2019 A. Nyone\n\n")
    assert notice in {"", "MIT License\n\n"}
    if digest:
        assert hashlib.sha256(text.encode()).hexdigest().startswith(digest)
    else:
        assert text.startswith("All rights reserved.\n\nNo part")
    assert "Write to safe@river.example" in (made / "SECURITY.md").read_text()
    assert not (made / "scripts" / "licenses").exists()
    answers = (made / ANSWERS).read_text()
    assert f"license: {license_chosen}\n" in answers
    assert "year: '2019'\n" in answers


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({}, 'make new NAME="River Watch"'),
        ({"NAME": 'say "hello"'}, "none of"),
        ({"NAME": "***"}, "needs a letter or a digit"),
        ({"NAME": "日本語"}, "日本語 needs a short name for machines: add SLUG=river-watch"),
        ({"NAME": "Город 2"}, "add SLUG=river-watch"),
        ({"NAME": "日本語", "SLUG": "日本"}, "a-z, 0-9 and single hyphens"),
        ({"NAME": read_project().name, "WITHOUT": "s3"}, "the template's own name"),
        ({"NAME": "r" * 61}, "60 characters"),
        ({"NAME": "River", "DESCRIPTION": "<b>"}, "one line"),
        ({"NAME": "River", "AUTHOR": "a \\ b"}, "one line"),
        ({"NAME": "River", "WITHOUT": "s3 rivers"}, "no module rivers. Use any of rasters, s3"),
        ({"NAME": "River", "WITHOUT": "rows bookings"}, "generator needs rows: leave out both"),
        ({"NAME": "River", "EMAIL": "nobody"}, "no email address"),
        ({"NAME": "River", "EMAIL": "größe@example.com"}, "no email address"),
        ({"NAME": "River", "CONTACT": "me"}, "an email address, an https:// URL"),
        ({"NAME": "River", "LICENSE": "GPL"}, "one of MIT, Apache-2.0, AGPL-3.0-or-later, propr"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_fetched(
    clone: Path, variables: dict[str, str], reason: str
) -> None:
    shutil.rmtree(clone / ".cache")
    done = make(clone, "new", **variables)
    assert not (clone / ".cache").exists()
    assert done.returncode != 0
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
    assert git(clone, "status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("name=***", "letter or a digit"),
        ("author=<b>", "one line"),
        ("email=a@b\n", "no email"),
        ("email=a@b..c", "no email"),
        ("without=[rows, bookings]", "generator needs rows"),
    ],
)
def test_copier_refuses_by_the_same_rules(
    released: Path, tmp_path: Path, answer: str, reason: str
) -> None:
    with pytest.raises(UsageError, match=reason):
        copier("copy", "--quiet", "--defaults", f"--data={answer}", released, tmp_path / "made")


@pytest.mark.matrix
def test_history_stays_where_it_is_asked_for(clone: Path) -> None:
    done = make(clone, "new", NAME="River Watch", KEEP_HISTORY="1")
    assert done.returncode == 0, done.stderr
    assert git(clone, "log", "--format=%s").splitlines() == ["Release"]
    assert git(clone, "tag") == ""
    assert "project.toml" in git(clone, "status", "--porcelain")
    assert "git commit" in done.stdout


def test_somebody_unknown_to_git_is_told_before_anything_is_fetched(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(clone / ".cache")
    git(clone, "config", "user.useConfigOnly", "true")
    monkeypatch.setenv("HOME", str(clone))
    command = [sys.executable, "-m", "scripts.new", "--name", "River Watch"]
    done = subprocess.run(command, cwd=clone, capture_output=True, text=True)
    assert done.returncode == 1
    assert "set user.name and user.email" in done.stderr
    assert not (clone / ".cache").exists()


def test_work_that_is_not_committed_is_not_overwritten(clone: Path) -> None:
    (clone / "README.md").write_text("mine")
    done = make(clone, "new", NAME="River Watch")
    assert done.returncode != 0
    assert "not committed (README.md)" in done.stderr
    assert (clone / "README.md").read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("River Watch", "river-watch"),
        ("Büro Übung", "buro-ubung"),
        ("Straße nach Łódź", "strasse-nach-lodz"),
        ("Ｒiver ２", "river-2"),  # full width
        ("日本語", ""),
        ("東京 2", ""),
    ],
)
def test_a_name_in_any_script_has_a_short_one_or_is_asked_for_it(name: str, slug: str) -> None:
    assert new.make_slug(name) == slug


@pytest.mark.matrix
def test_a_name_in_another_script_is_taken_with_its_short_name(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As somebody at a terminal answers; Enter takes the default license."""
    script = ["script", "--quiet", "--return", "--command", "make new NAME=日本語", "/dev/null"]
    monkeypatch.setenv("PYTHON", sys.executable)
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Tests")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "tests@example.com")
    done = subprocess.run(script, cwd=clone, input="nihongo\n\n", capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'name = "日本語"\nslug = "nihongo"\n' in (clone / "project.toml").read_text()
    assert "slug: nihongo\n" in (clone / ANSWERS).read_text()
    assert "license: MIT\n" in (clone / ANSWERS).read_text()


@pytest.mark.matrix
def test_a_project_made_before_slugs_were_stored_keeps_its_own(
    released: Path, tmp_path: Path
) -> None:
    """The formula of that time is still the default, where only copier is asked."""
    copier("copy", "--quiet", "--defaults", "--data=name=Büro Übung", released, tmp_path / "made")
    assert 'slug = "b-ro-bung"' in (tmp_path / "made" / "project.toml").read_text()


@pytest.mark.matrix
def test_a_value_is_never_a_word_of_the_shell(clone: Path) -> None:
    done = make(clone, "new", NAME="River `touch a` $(touch b) & Co.")
    assert done.returncode == 0, done.stderr
    assert not (clone / "a").exists()
    assert not (clone / "b").exists()
    assert "$(touch b) & Co." in (clone / "project.toml").read_text()


def test_a_value_is_what_was_typed_and_is_nobody_elses(tmp_path: Path) -> None:
    """Make has `$5` for a variable of its own, and git would take EMAIL for the author's."""
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\nprintf "%s\\n" "$@" "EMAIL ${EMAIL:-unset}"\n')
    python.chmod(0o755)
    given = ["NAME=River $Watch", "DESCRIPTION=It costs $5 and $(HOME).", "EMAIL=river@example.com"]
    done = subprocess.run(
        ["make", "new", f"PYTHON={python}", *given],
        cwd=ROOT, env=environment_of_a_person(), capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[2:] == [
        "--name=River $Watch", "--description=It costs $5 and $(HOME).",
        "--email=river@example.com", "EMAIL unset",
    ]  # fmt: skip


def test_nobody_is_asked_to_trust_anything(released: Path) -> None:
    """Copier refuses a template with tasks unless it is told to trust it; nothing here says so."""
    used = subprocess.run(
        ["git", "grep", "-nE", "copier .*--trust|unsafe=True", "--", ":!tests"],
        cwd=released, capture_output=True, text=True,
    )  # fmt: skip
    assert used.stdout == ""
