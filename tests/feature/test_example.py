"""Where the example is that features of rows are copied from."""

import subprocess
from pathlib import Path

import pytest

from scripts import template
from scripts.environment import ROOT
from scripts.feature import example
from scripts.feature.spec import SpecError


@pytest.fixture
def dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project without the example, made from a template; returns the template."""
    made = tmp_path / "template"
    for folder in (example.BACKEND, example.PAGE):
        path = made / folder.relative_to(ROOT) / "marker"
        path.parent.mkdir(parents=True)
        path.touch()
    identity = ["-c", "user.name=Tests", "-c", "user.email=tests@example.com"]
    for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "One"],
                    ["tag", "v1"]):  # fmt: skip
        subprocess.run(["git", *command], cwd=made, check=True)
    monkeypatch.setattr(example, "is_here", lambda: False)
    monkeypatch.setattr(example, "CACHE", tmp_path)
    monkeypatch.setattr(template, "ANSWERS", tmp_path / "answers.yml")
    return made


def test_a_project_without_it_takes_that_of_its_release(dropped: Path) -> None:
    template.ANSWERS.write_text(f"_commit: v1\n_src_path: {dropped}\n")
    backend, page = example.example()
    assert (backend / "marker").exists()
    assert (page / "marker").exists()
    assert example.example() == (backend, page)


def test_a_project_that_knows_no_template_is_told_so(dropped: Path) -> None:
    with pytest.raises(SpecError, match="nobody knows where the template is"):
        example.example()
    template.ANSWERS.write_text("_commit: v2\n_src_path: /nowhere\n")
    with pytest.raises(SpecError, match="The template is not at /nowhere"):
        example.example()
