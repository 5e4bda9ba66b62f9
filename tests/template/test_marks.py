"""Lines of modules in files that everybody has: every mark has its end."""

import re

import yaml

from scripts import render
from tests.stack import ROOT

from .conftest import MODULES, files

# The page of contributors, two pages and a picture of docs/, and the chart, whose files Helm reads
# whole. For what needs no mark see docs/template.md.
FILES_WITH_MARKS = 8
MARKED = rf"(#|<!--) \[/?({'|'.join([*MODULES, 'template'])})\]"


def test_every_mark_is_closed() -> None:
    for name, content in files(ROOT).items():
        text = content[:-1].decode(errors="replace")
        alone = re.findall(rf"(?m)^[ \t]*{MARKED}(?: -->)?$", text)
        if not alone:
            continue
        lines = [line.strip() for line in text.splitlines() if re.search(MARKED, line)]
        for module in {module for _, module in alone}:
            ends = sum(f"[/{module}]" in line for line in lines)
            begins = sum(bool(re.match(rf"(#|<!--) \[{module}\]", line)) for line in lines)
            assert begins == ends, f"{name}: {module}"


def test_a_line_that_names_files_of_a_module_only_goes_with_it() -> None:
    files = ("backend_django/boats", "docs/boats.md")
    kept = [
        "| at sea | [boats](boats.md), [the stack](TECHSTACK.md) |",
        "| by hand | `backend_django/boats/models.py`, `manage.py`, `docs/events.md` |",
        "| elsewhere | [boats](https://boats.example.org) |",
        "```sh",
        "cat docs/boats.md `backend_django/boats`",
        "```",
    ]
    gone = [
        "| at sea | [boats](boats.md#sails) and [more](../backend_django/boats/README.md) |",
        "- Sails: `backend_django/boats/tests/test_sails.py::test_they_are_set`",
    ]
    text = "".join(f"{line}\n" for line in [*kept, *gone])
    left = "".join(f"{line}\n" for line in kept)
    assert render.without_mentions(text, "docs/sea.md", files) == left
    code = "```python\na\n\n\nb\n```\n"
    paragraph = f"Before.\n\nSee [boats](boats.md).\n\n{code}"
    assert render.without_mentions(paragraph, "docs/sea.md", files) == f"Before.\n\n{code}"
    with_another = "| [boats](boats.md) | [ships](ships.md), `docs/ships.md` |\n"
    assert render.without_mentions(with_another, "docs/sea.md", files) == with_another
    both = (*files, "docs/ships.md")
    assert render.without_mentions(with_another, "docs/sea.md", both) == ""
    included = "include:\n  - backend_django/boats/compose.yml\n  - backend_django/boatswain.yml\n"
    without = "include:\n  - backend_django/boatswain.yml\n"
    assert render.without_mentions(included, "local.yml", files) == without
    steps = "- uses: actions/checkout@v7\n- uses: ./backend_django/boats/action # why\n"
    kept_step = "- uses: actions/checkout@v7\n"
    assert render.without_mentions(steps, ".github/workflows/test.yml", files) == kept_step


def test_files_with_marks_only_become_fewer() -> None:
    marked = {
        name
        for name, content in files(ROOT).items()
        if re.search(rf"(?m){MARKED}(?: -->)?$", content[:-1].decode(errors="replace"))
    }
    assert len(marked) <= FILES_WITH_MARKS, sorted(marked)


def test_modules_are_the_same_in_both_lists() -> None:
    """In one order, in which the answers are kept."""
    asked = yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8"))
    paths = {name: tuple(paths) for name, paths in asked["modules"]["default"].items()}
    assert list(asked["without"]["choices"].values()) == list(MODULES)
    assert paths == {name: module.paths for name, module in MODULES.items()}
    needs = {name: list(module.needs) for name, module in MODULES.items() if module.needs}
    assert asked["needs"]["default"] == needs


def test_lists_of_pages_name_some_that_there_are() -> None:
    """Sphinx is told not to warn of a pattern that nothing matches, as of a module's pages."""
    text = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    patterns = re.findall(r"(?m)^\S*\*\S*$", text)
    assert patterns
    for pattern in patterns:
        assert list((ROOT / "docs").glob(f"{pattern}.md")), pattern
