"""Features as `make feature` writes them pass everything the repository asks of its own code."""

import re
import shlex
from pathlib import Path

import pytest

from backend_django.processing import registry
from scripts.checks import PYTEST
from scripts.feature.spec import read_spec
from scripts.feature.write import TEMPLATES, job_values, render
from tests.feature.tree import Tree
from tests.stack import ROOT

GUIDE = ROOT / "docs" / "features.md"
DOMAINS = {
    "todos": "title:string kind:choice(home|work) after:ref:todo? due:date? done:bool owner:user",
    "expenses": "expense: title:string amount:decimal day:date category:ref:category "
    "currency:choice(eur|chf)? note:text? owner:user; category: name:string=unique owner:user",
    "blog": "post: title:string slug:slug=unique body:text draft:bool published:datetime? "
    "state:choice(open|closed)?",
    "markdown_notes": "note: title:string body:text state:choice(new|kept|old) "
    "part:choice(home|work)? owner:user",
    "shortener": "short_link: code:slug=unique target:url visits:int? expires:datetime? owner:user",
    "hotels": "room: name:string code:slug=unique photo:image plan:file? price:decimal(12,4)=1.5 "
    "about:text? seats:int=4 tags:many:tag data:json open:bool=true owner:user(seen); "
    "tag: word:string=unique; stay: purpose:string where:ref:room when:period(where) nights:days "
    "state:choice(new:Just_in|kept)=new mail:email? site:url? size:float? day:date? "
    "alarm:datetime? next:ref:stay? owner:user",
    "cleanings": "room:ref:hotels.room? rooms:many:hotels.room number:int=unique owner:user",
    "plans": "title:string model:string booking_number:int? "
    "kind:choice(state:At_@{home}|confirmed) "
    "instrument:ref:bookings.instrument? my_bookings:many:bookings.booking owner:user",
    "shop": "product: name:string code:slug=unique price:decimal weight:float? "
    "section:ref:section; section: name:string=unique contact:email?; "
    "cart_line: product:ref:product quantity:int owner:user",
}

# Of what jobs work on, besides one file and nothing.
SHAPES = {
    "merges": "files",
    "surveys": "files?:image/*,.csv",
    "notices": "file?",
    "tables": "file:.csv,.tsv",
    "portraits": "file:image/*",
}


@pytest.mark.feature
@pytest.mark.timeout(900)
def test_the_guide_works_command_by_command(tmp_path: Path) -> None:
    """docs/features.md: its commands, in their order, and its changes to files."""
    tree = Tree(tmp_path / "tree")
    blocks = re.findall(r"```(\w+)(?: (\S+))?\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert {kind for kind, *_ in blocks} == {"sh", "diff"}
    for kind, path, text in blocks:
        if kind == "sh":
            for line in text.splitlines():
                tree.run("sh", "-c", line)
        elif kind == "diff":
            change(tree.folder / path, text)
    tree.run("git", "add", "-A")
    tree.python("ruff", "check", "-q", ".")
    tree.python("ruff", "format", "-q", "--check", ".")
    tree.node("format:check")
    tree.node("check")


def test_the_url_of_a_service_may_be_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As every setting may, by docs/settings.md."""
    values = job_values(read_spec("weather", "job", "", ""), "https://weather.example.org/")
    (tmp_path / "url").write_text("https://elsewhere.example.org/\n")
    monkeypatch.setenv("WEATHER_URL_FILE", str(tmp_path / "url"))
    monkeypatch.setattr(registry, "_processors", {})
    made: dict[str, str] = {}
    exec(render(TEMPLATES / "backend" / "processor.py.tmpl", values), made)
    assert made["SERVICE_URL"] == "https://elsewhere.example.org/"


def change(path: Path, diff: str) -> None:
    """Put the lines with + after the line before them, and take those with - away."""
    text = path.read_text()
    old = "".join(line[1:] for line in diff.splitlines(keepends=True) if line[0] != "+")
    new = "".join(line[1:] for line in diff.splitlines(keepends=True) if line[0] != "-")
    assert text.count(old) == 1, f"{path.name} has not exactly once:\n{old}"
    path.write_text(text.replace(old, new))


@pytest.mark.feature
@pytest.mark.timeout(1800)
def test_domains_of_all_kinds_pass_everything(tmp_path: Path) -> None:
    tree = Tree(tmp_path / "tree")
    for name, fields in DOMAINS.items():
        tree.feature(name, "crud", fields)
    tree.feature("weather", "job", "place:string days:int? unit:choice(metric|imperial)",
                 "https://weather.example.org/")  # fmt: skip
    tree.feature("tallies", "job", "")
    tree.feature("digests", "job", "title:string day:date? full:bool", inputs="none")
    for name, inputs in SHAPES.items():
        tree.feature(name, "job", "title:string full:bool", inputs=inputs)
    tree.feature("albums", "job", "", inputs="files:image/*")
    tree.feature("exchange_rates", "job", "", "https://rates.example.org/", inputs="none")
    tree.feature("orders", "job", "title:string amount:decimal due:date owner:user done:bool "
                 "at:datetime? kind:choice(loan|gift) note:text? size:float?")  # fmt: skip
    made = [*DOMAINS, *SHAPES, "albums", "weather", "tallies", "orders", "digests"]
    made.append("exchange_rates")
    assert marks(tree, made) == []
    for check in ("ruff check -q .", "ruff format -q --check .", "mypy"):
        tree.python(*shlex.split(check))
    for script in ("lint", "format:check", "check", "test", "build", "budget"):
        tree.node(script)
    folders = [f"backend_django/{name}" for name in made]
    core = ["tests/test_architecture.py", "tests/api", "tests/security", "tests/browser"]
    said = tree.run(*PYTEST, "-q", "-p", "no:cacheprovider", *folders, *core)
    assert " passed" in said


def marks(tree: Tree, names: list[str]) -> list[str]:
    """What is left in the sources of features of where they came from."""
    listed = tree.run("git", "ls-files", *(f"*/{name}/*" for name in names)).splitlines()
    assert len(listed) > 100
    mark = re.compile(r"TODO|(?i:make feature|generated|\btemplate\b)|\{%|%\}")
    element = re.compile(r"</?template[^>]*>")  # of a Vue component
    return [
        f"{name}: {found[0]}"
        for name in listed
        if (found := mark.search(element.sub("", (tree.folder / name).read_text())))
    ]
