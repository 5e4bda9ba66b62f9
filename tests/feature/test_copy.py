"""What `make feature` makes of the example, before anything is run on it."""

import json
from pathlib import Path

import pytest

from scripts.feature.copy import copy_example, replace_all
from scripts.feature.example import BACKEND, PAGE
from scripts.feature.spec import read_spec

pytestmark = pytest.mark.slow

# Words of the example, and others of the same length and with the same first letter.
WORDS = {
    "booking": "barking",
    "instrument": "investment",
    "state": "stave",
    "confirmed": "conformed",
    "alternative": "allegorical",
}
WORDS |= {word.capitalize(): other.capitalize() for word, other in WORDS.items()}
WORDS |= {word.upper(): other.upper() for word, other in WORDS.items()}


def copied(folder: Path, name: str, fields: str) -> dict[str, str]:
    """The files of a copy: contents by name."""
    copy_example(
        read_spec(name, "crud", fields), (BACKEND, PAGE), (folder / "app", folder / "page")
    )
    return {
        path.relative_to(folder).as_posix(): path.read_text("utf-8")
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("plans", "title:string {booking}_number:int? {instrument}_type:string? owner:user"),
        ("my_{booking}s", "label:choice(a_{booking}:{Instrument}|b) at:datetime"),
        ("tours", "musical_{instrument}: name:string; solo: title:string {booking}:ref:"
         "musical_{instrument} at:period({booking}) {instrument}s:many:musical_{instrument}"),
        ("offers", "kind:choice({state}|{confirmed}) other:choice({confirmed}|b)"),
        ("routes", "{state}: name:string options:many:{alternative}; {alternative}: name:string"),
    ],
)  # fmt: skip
def test_a_name_with_a_word_of_the_example_stays_as_it_is(
    tmp_path: Path, name: str, fields: str
) -> None:
    given, other = ({word: of(word) for word in WORDS} for of in (str, WORDS.__getitem__))
    theirs = copied(tmp_path / "theirs", name.format(**given), fields.format(**given))
    others = copied(tmp_path / "others", name.format(**other), fields.format(**other))
    back = {replaced: word for word, replaced in WORDS.items()}
    assert theirs == {
        replace_all(path, back): replace_all(text, back) for path, text in others.items()
    }


def test_a_label_is_no_syntax_of_the_messages(tmp_path: Path) -> None:
    files = copied(tmp_path, "offers", "kind:choice(home:At_@home|some:{a}) day:date")
    assert 'HOME = "home", "At @home"' in files["app/models.py"]
    said = json.loads(files["page/locales/en.json"])
    assert (said["kind.home"], said["kind.some"]) == ("At {'@'}home", "{'{'}a{'}'}")


def test_a_page_is_tested_without_the_rows_of_another_feature(tmp_path: Path) -> None:
    files = copied(tmp_path, "tours", "title:string using:ref:bookings.instrument? owner:user")
    assert "[name=title]" in files["app/tests/test_page.py"]
    assert "[name=using]" not in files["app/tests/test_page.py"]
    assert '"using": str(make_instrument(owner).id)' in files["app/tests/factories.py"]
