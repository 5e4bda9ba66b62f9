"""`make update`: a release of the template in a project that went its own way."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts import merge, render, template
from scripts.environment import UsageError

from .conftest import MODULES, RELEASE, change, commit, files, git, lend_tools, made_of, make

pytestmark = [pytest.mark.template, pytest.mark.timeout(300)]
NEXT = "v0.2.0"


@pytest.fixture(scope="module")
def next_release(released: Path, project_made: Path) -> Iterator[Path]:
    """The template goes on: a file is changed, one is new, one is renamed, one goes."""
    (released / "CHANGELOG.md").write_text(
        "# Changelog\n\n## 0.2.0 (2026-12-01)\n\n- A new page\n\n## 0.1.0 (2026-11-01)\n\n- Old\n"
    )
    (released / "docs" / "new.md").write_text("# New\n")
    (released / "docs" / "new.bin").write_bytes(b"\0theirs")
    git(released, "mv", "docs/TECHSTACK-frontend.md", "docs/page.md")
    git(released, "rm", "--quiet", "docs/events.md")
    change(released / "manage.py", "command line", "own command line")
    change(released / "docker" / "prometheus" / "alerts.yml", "# Alarms", "# Our alarms")
    change(released / ".env.example", "Settings of this checkout", "All settings of this checkout")
    change(released / "backend_django" / "rasters" / "apps.py", '"""', '"""Changed. ')
    (released / "backend_django" / "rasters" / "new.py").touch()
    commit(released, "Next", tag=NEXT)
    git(released, "repack", "-adq")
    yield released
    git(released, "reset", "--quiet", "--hard", RELEASE)
    git(released, "tag", "--delete", NEXT)


@pytest.fixture
def older(released: Path, tmp_path: Path) -> Path:
    """The template, for a test to make its first release of an older state."""
    git(
        tmp_path, "clone", "--quiet", "--single-branch", f"--branch={RELEASE}",
        f"file://{released}", "template",
    )  # fmt: skip
    git(tmp_path / "template", "tag", "--delete", RELEASE)
    return tmp_path / "template"


@pytest.mark.usefixtures("next_release")
def test_changes_of_both_sides_are_kept_and_a_dropped_module_stays_away(project: Path) -> None:
    (project / "backend_django" / "mine.py").write_text("MINE = True\n")
    change(project / ".env.example", "DJANGO_SUPERUSER_EMAIL=admin", "DJANGO_SUPERUSER_EMAIL=boss")
    shutil.rmtree(project / "docs" / "images", ignore_errors=True)
    (project / "LICENSE").unlink()
    commit(project, "My own work")

    done = make(project, "update")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"From {RELEASE} to {NEXT}" in done.stdout

    now = files(project)
    assert b"MINE" in now["backend_django/mine.py"]
    assert b"own command line" in now["manage.py"]
    assert b"All settings of this checkout" in now[".env.example"]
    assert now["docker/prometheus/alerts.yml"].startswith(b"# Our alarms")
    assert now["deploy/kubernetes/files/alerts.yml"] == b"-> ../../../docker/prometheus/alerts.yml"
    assert b"EMAIL=boss" in now[".env.example"]
    assert {"docs/new.md", "docs/page.md"} <= set(now)
    assert not {"docs/TECHSTACK-frontend.md", "docs/events.md", "LICENSE"} & set(now)
    assert not [name for name in now if "rasters" in name or name.startswith("tests/template")]
    assert b'name = "River Watch"' in now["project.toml"]
    assert f"_commit: {NEXT}".encode() in now[".copier-answers.yml"]

    commit(project, "Updated")
    again = make(project, "update")
    assert (again.returncode, "nothing newer" in again.stdout) == (0, True)


def test_a_project_made_before_modules_had_their_name_is_updated(
    older: Path, tmp_path: Path
) -> None:
    """Copier fills in what this release excludes with the answers of the one before as well."""
    made = tmp_path / "river"
    settings = (older / "copier.yml").read_text()
    list_of_old = settings.replace("modules:", "parts:").replace("(modules |", "(parts |")
    assert list_of_old.count("parts") == 2
    (older / "copier.yml").write_text(list_of_old)
    commit(older, "Older", tag=RELEASE)
    made_of(older, made, "rasters", "flower")
    commit(made, "Start")
    (older / "copier.yml").write_text(settings)
    (older / "scripts" / "modules" / "rivers.py").touch()
    commit(older, "Next", tag=NEXT)

    done = make(lend_tools(made), "update")
    assert done.returncode == 0, done.stdout + done.stderr
    now = files(made)
    assert "scripts/modules/rivers.py" in now
    assert not [name for name in now if "rasters" in name or "flower" in name]


def test_what_becomes_a_module_stays_in_a_project_that_was_never_asked_for_it(
    released: Path, older: Path, tmp_path: Path
) -> None:
    """What is in `without` was chosen: files of the core that are a module's now are kept."""
    made = tmp_path / "river"
    for name, pattern in {
        "copier.yml": r"(?m)^    (\"guides:.*|guides:\n(      - .*\n)*)",
        "scripts/modules.toml": r"\n\[guides\](\n.+)*",
    }.items():
        file = older / name
        file.write_text(re.sub(pattern, "", file.read_text()))
        assert "guides" not in file.read_text()
    commit(older, "Older", tag=RELEASE)
    made_of(older, made, *(name for name in MODULES if name != "guides"))
    change(made / "docs" / "languages.md", "\n\n", "\n\nOurs is German. ")
    commit(made, "Start")
    for name in ("copier.yml", "scripts/modules.toml"):
        shutil.copy(released / name, older / name)
    change(older / "docs" / "jobs.md", "# Jobs", "# All about jobs")
    commit(older, "Next", tag=NEXT)

    done = make(lend_tools(made), "update")
    assert done.returncode == 0, done.stdout + done.stderr
    now = files(made)
    assert now["docs/jobs.md"].startswith(b"# All about jobs")
    assert b"Ours is German. " in now["docs/languages.md"]
    assert "guides" not in render.left_out(now[".copier-answers.yml"].decode())


@pytest.mark.usefixtures("next_release")
def test_what_was_renamed_on_one_side_and_changed_on_the_other_is_merged(project: Path) -> None:
    change(project / "docs" / "TECHSTACK-frontend.md", "\n\n", "\n\nOurs is blue. ")
    git(project, "mv", "manage.py", "tool.py")
    commit(project, "My own work")
    done = make(project, "update")
    assert done.returncode == 0, done.stdout + done.stderr
    now = files(project)
    assert b"Ours is blue. " in now["docs/page.md"]
    assert b"own command line" in now["tool.py"]
    assert not {"docs/TECHSTACK-frontend.md", "manage.py"} & set(now)
    taken, merged = done.stdout.split("Merged with what you changed:")
    assert "  R docs/TECHSTACK-frontend.md → docs/page.md\n" in merged
    assert "  M tool.py (manage.py of the template)\n" in merged
    assert "  A docs/new.md\n" in taken
    assert "- A new page" in taken
    assert "Old" not in taken


@pytest.mark.usefixtures("next_release")
def test_what_was_deleted_on_one_side_and_changed_on_the_other_is_named(project: Path) -> None:
    (project / "manage.py").unlink()
    commit(project, "No manage.py")
    done = make(project, "update")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "you have deleted it and the template changed it:\n  manage.py\n" in done.stdout
    assert not (project / "manage.py").exists()

    git(project, "reset", "--quiet", "--hard")
    change(project / "docs" / "events.md", "\n\n", "\n\nOurs is blue. ")
    commit(project, "My own work")
    done = make(project, "update")
    assert done.returncode != 0
    assert re.search(r"the template deleted it[^:]*:\n  docs/events.md\n", done.stdout)
    assert "Ours is blue. " in (project / "docs" / "events.md").read_text()
    git(project, "reset", "--quiet", "--hard")  # as the report says
    assert git(project, "status", "--porcelain") == ""


@pytest.mark.usefixtures("next_release")
def test_what_was_renamed_here_and_deleted_or_renamed_there_is_named(project: Path) -> None:
    git(project, "mv", "docs/events.md", "docs/our-events.md")
    git(project, "mv", "docs/TECHSTACK-frontend.md", "docs/our-page.md")
    commit(project, "Our names")
    done = make(project, "update")
    assert done.returncode != 0
    gone, moved = done.stdout.split("the template deleted it")[1].split("Decide: renamed")
    assert "  docs/our-events.md\n" in gone
    moved, why = moved.split("What git says of these:\n")
    assert {"docs/our-page.md", "docs/page.md"} <= set(re.findall(r"(?m)^  (\S+)$", moved))
    assert re.search(r"TECHSTACK-frontend.md renamed to docs/our-page.md .* docs/page.md in", why)
    assert "<<<<<<<" not in done.stdout
    assert (project / "docs" / "our-events.md").exists()
    text = (project / "docs" / "our-page.md").read_text()
    assert text == (project / "docs" / "page.md").read_text()
    git(project, "reset", "--quiet", "--hard")
    assert git(project, "status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("git@github.com:acme/tpl.git", "git@github.com:acme/tpl.git"),
        ("github-work:acme/tpl.git", "github-work:acme/tpl.git"),
        ("git+https://example.org/tpl", "https://example.org/tpl"),
        ("gh:acme/tpl", "https://github.com/acme/tpl"),
    ],
)
def test_an_address_is_given_to_git_as_it_takes_it(given: str, address: str) -> None:
    assert template.locate(given) == address


@pytest.mark.parametrize("given", ["C:/tpl", r"C:\tpl", "docs/a:b", "."])
def test_a_folder_that_is_not_there_is_no_address(given: str) -> None:
    with pytest.raises(UsageError, match="add FROM=ADDRESS"):
        template.locate(given)


def test_a_template_with_a_relative_address_or_another_one_is_found(
    next_release: Path, project: Path
) -> None:
    """Copier notes the address as it was typed where it was called: beside the project."""
    git(project.parent, "clone", "--quiet", str(next_release), "their template")
    answers = project / ".copier-answers.yml"
    for home in ("their template", "../their template"):
        answers.write_text(render.at_home(answers.read_text(), home))
        commit(project, "Where it is")
        done = make(project, "update", TO=NEXT)
        assert done.returncode == 0, done.stdout + done.stderr
        assert f'_src_path: "{home}"' in answers.read_text()
        git(project, "reset", "--quiet", "--hard")

    (project.parent / "their template").rename(project.parent / "moved")
    gone = make(project, "update")
    assert gone.returncode != 0
    assert "add FROM=ADDRESS" in gone.stderr
    done = make(project, "update", FROM="../moved")
    assert done.returncode == 0, done.stdout + done.stderr
    assert '_src_path: "../moved"' in answers.read_text()
    assert f"_commit: {NEXT}" in answers.read_text()
    assert git(project, "tag") == ""


@pytest.mark.usefixtures("next_release")
def test_a_conflict_is_a_failure_that_names_the_files(project: Path) -> None:
    change(project / "manage.py", "command line", "beloved command line")
    (project / "docs" / "new.bin").write_bytes(b"\0ours")
    commit(project, "The same line")
    done = make(project, "update")
    assert done.returncode != 0
    assert "Look for <<<<<<<, then git add:\n  manage.py\n\n" in done.stdout
    assert "takes the template's. Then git add:\n  docs/new.bin\n" in done.stdout
    assert "  M .env.example\n" in done.stdout
    assert "git reset --hard" in done.stderr
    text = (project / "manage.py").read_text()
    assert "beloved command line" in text
    assert "own command line" in text


def test_what_would_cost_work_is_refused(project: Path) -> None:
    (project / "manage.py").write_text("mine")
    done = make(project, "update")
    assert done.returncode != 0
    assert "not committed (manage.py)" in done.stderr
    assert (project / "manage.py").read_text() == "mine"


def test_a_project_in_a_folder_of_a_repository_is_refused(project: Path) -> None:
    """Git would merge the files of the template into the top of the repository."""
    shutil.rmtree(project / ".git")
    git(project.parent, "init", "--quiet")
    commit(project.parent, "A repository of many projects")
    done = make(project, "update")
    assert done.returncode != 0
    assert "at the top of its git repository" in done.stderr
    assert git(project.parent, "status", "--porcelain") == ""


def test_news_are_the_changelog_since_this_release_or_else_the_commits(tmp_path: Path) -> None:
    home = tmp_path / "home"
    git(tmp_path, "init", "--quiet", "--initial-branch=main", "home")
    sections: list[str] = []
    for release in ("0.1.0", "0.2.0", "0.10.0"):
        (home / "file").write_text(release)
        commit(home, f"Work on {release}")
        sections.insert(0, f"## {release} (2026-12-01)\n\n- New in {release}\n\n")
        (home / "CHANGELOG.md").write_text("# Changelog\n\n" + "".join(sections))
        commit(home, f"Release {release}", tag=f"v{release}")
    (home / "file").write_text("more")
    commit(home, "Go on")
    source = template.Source(tmp_path / "clone", str(home))
    described = f"v0.1.0-1-g{git(home, 'rev-parse', 'v0.2.0~1').strip()}"
    for before in ("v0.1.0", described):
        news = merge.news(source, before, "v0.10.0")
        assert "New in 0.10.0" in news and "New in 0.2.0" in news  # noqa: PT018
        assert "New in 0.1.0" not in news
    assert merge.news(source, "v0.10.0", "main") == "- Go on"
    root = git(home, "rev-list", "--max-parents=0", "HEAD").strip()
    assert "- Work on 0.2.0" in merge.news(source, root, "v0.2.0"), "a project of no release"


def test_a_project_that_does_not_know_its_template_is_told_what_to_do(project: Path) -> None:
    (project / ".copier-answers.yml").unlink()
    commit(project, "No answers")
    done = make(project, "update")
    assert done.returncode != 0
    assert ".copier-answers.yml is missing" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_release_that_is_older_than_its_program_is_brought_by_the_later_one(
    older: Path, tmp_path: Path
) -> None:
    program = older / template.PROGRAM
    text = program.read_text()
    git(older, "rm", "--quiet", str(program))
    commit(older, "Older", tag=RELEASE)
    program.write_text(text)
    (older / "docs" / "new.md").write_text("# New\n")
    commit(older, "Next", tag=NEXT)
    made = tmp_path / "river"
    render.render(older, NEXT, made, "--data=name=River Watch")
    git(made, "init", "--quiet", "--initial-branch=main")
    commit(made, "Start")
    done = make(lend_tools(made), "update", TO=RELEASE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "docs/new.md" not in files(made)
    assert f"_commit: {RELEASE}" in (made / ".copier-answers.yml").read_text()


def test_the_template_itself_is_no_project(clone: Path) -> None:
    for target in ("update", "drop"):
        done = make(clone, target)
        assert done.returncode != 0
        assert "This is the template itself" in done.stderr


@pytest.mark.usefixtures("next_release")
def test_git_alone_does_it_too(released: Path, clone: Path) -> None:
    """As docs/upkeep.md says, in a clone that keeps the history: no copier, no answers file."""
    git(clone, "checkout", "--quiet", "-B", "main", RELEASE)
    make(clone, "new", NAME="River Watch", KEEP_HISTORY="1")
    commit(clone, "Start River Watch")
    git(clone, "fetch", "--quiet", "template")
    git(clone, "merge", "--quiet", "--no-edit", f"template/{NEXT}")
    assert git(clone, "tag") == ""
    now = files(clone)
    assert "docs/new.md" in now
    assert b'name = "River Watch"' in now["project.toml"]
    assert "scripts/template.mk" not in now


def test_a_branch_is_noted_as_the_commit_that_was_taken(tmp_path: Path) -> None:
    """Else it would be another one at the next update, and what came in between no change."""
    home = tmp_path / "home"
    git(tmp_path, "init", "--quiet", "--initial-branch=main", "home")
    (home / "file").write_text("1")
    commit(home, "First", tag="v0.1.0")
    (home / "file").write_text("2")
    commit(home, "Second")
    taken = git(home, "rev-parse", "HEAD").strip()
    first = template.Source(tmp_path / "first", str(home))
    noted = first.lasting_name("main")
    assert first.commit(noted) == taken
    assert first.lasting_name("v0.1.0") == "v0.1.0"
    (home / "file").write_text("3")
    commit(home, "Third")
    later = template.Source(tmp_path / "later", str(home))
    assert later.commit(noted) == taken
    assert later.commit("main") != taken


@pytest.mark.parametrize(
    ("given", "noted"),
    [
        ("https://me:token@example.org/t.git", "https://example.org/t.git"),
        ("git+https://token@example.org:8443/t", "git+https://example.org:8443/t"),
        ("git+ssh://git@example.org/t.git", "git+ssh://git@example.org/t.git"),
        ("ssh://git:word@example.org/t.git", "ssh://git@example.org/t.git"),
        ("git@example.org:you/t.git", "git@example.org:you/t.git"),
        ("../template", "../template"),
    ],
)
def test_no_token_is_committed(given: str, noted: str) -> None:
    answers = render.at_home("_commit: v1\n_src_path: x\nname: y\n", given)
    assert answers == f'_commit: v1\n_src_path: "{noted}"\nname: y\n'


def test_the_home_of_a_template_is_as_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """git may be told to write tokens into addresses (`url.*.insteadOf`)."""
    git(tmp_path, "init", "--quiet", "home")
    home = tmp_path / "home"
    git(home, "config", "remote.origin.url", "https://example.org/t.git")
    git(home, "config", "url.https://token@example.org/.insteadOf", "https://example.org/")
    monkeypatch.setattr(render, "ROOT", home)
    assert render.home() == "git+https://example.org/t.git"
