"""What cannot be made is refused with a sentence, and nothing is written."""

import subprocess
import sys

import pytest

from backend_django.utils.features import PACKAGE
from scripts.feature.__main__ import ask_inputs
from scripts.feature.spec import SpecError, plural_of, read_spec, singular_of
from tests.stack import ROOT

pytestmark = pytest.mark.slow

PLAIN = "title:string"


@pytest.mark.parametrize(
    ("name", "kind", "fields", "sentence"),
    [
        ("", "crud", PLAIN, "NAME is missing"),
        ("River Watch", "crud", PLAIN, "such as NAME=river_watch"),
        ("../x", "crud", PLAIN, "lower-case letters"),
        ("a" * 41, "crud", PLAIN, "40 at most"),
        ("class", "crud", PLAIN, "means something else already"),
        ("auth", "crud", PLAIN, "means something else already"),
        ("processing", "crud", PLAIN, "is there already"),
        ("completed", "crud", PLAIN, "uses the word “completed”"),
        ("gardens", "", PLAIN, "KIND is missing"),
        ("gardens", "page", PLAIN, "KIND=crud or KIND=job"),
        ("gardens", "crud", "  ", "FIELDS is empty"),
        ("gardens", "crud", "title", "“title” has no type"),
        ("gardens", "crud", "title:words", "“words” is no type"),
        ("gardens", "crud", "Title:string", "cannot be the name of a field"),
        ("gardens", "crud", "two__parts:string", "cannot be the name of a field"),
        ("gardens", "crud", "import:string", "cannot be the name of a field"),
        ("gardens", "crud", "id:int", "cannot be called id"),
        ("gardens", "crud", "self:bool", "cannot be called self"),
        ("gardens", "crud", "may_change:bool", "cannot be called may_change"),
        ("gardens", "crud", "n:int; file: n:int", "another use for “File”"),
        ("gardens", "crud", "row: n:int", "another use for “Row”"),
        ("gardens", "crud", "property: n:int", "another use for “property”"),
        ("gardens", "crud", "save:bool", "cannot be called save"),
        ("gardens", "crud", "title:string title:text", "has title twice"),
        ("gardens", "crud", "owner:user", "nothing of its own"),
        ("gardens", "crud", "title:string owner:string", "owner:user is the one field"),
        ("gardens", "crud", "title:string keeper:user", "owner:user is the one field"),
        ("gardens", "crud", "title:string=", "comes a default, or"),
        ("gardens", "crud", "size:int=large", "“=large” is no default of type int"),
        ("gardens", "crud", "kind:choice(a|b)=c", "“=c” is no default"),
        ("gardens", "crud", "size:int=007", "“=007” is no default of type int"),
        ("gardens", "job", "size:float=-08", "“=-08” is no default of type float"),
        ("gardens", "crud", "price:decimal(4,4)=1.5", "“=1.5” is no default"),
        ("gardens", "crud", "mail:email=nonsense", "“=nonsense” is no default of type email"),
        ("gardens", "crud", "site:url=nonsense", "“=nonsense” is no default of type url"),
        ("gardens", "crud", "code:slug=a.b", "“=a.b” is no default of type slug"),
        ("gardens", "crud", f"code:slug={'a' * 81}", "is no default of type slug"),
        ("gardens", "crud", "size:int?=3", "is never missing"),
        ("gardens", "crud", "size:float=unique", "cannot be unique"),
        ("gardens", "crud", "price:decimal(4)", "how many digits"),
        ("gardens", "crud", "price:decimal(4,5)", "how many digits"),
        ("gardens", "crud", "kind:choice(a:It's)", "no quotes"),
        ("gardens", "crud", "n:int open:period(bed)", "the same what"),
        ("gardens", "crud", "n:int open:period?", "must be there"),
        ("gardens", "crud", "n:int data:json?", "always be left out"),
        ("gardens", "crud", "n:int bed:ref:beds.bed", "beds/public.py offers no Bed"),
        ("gardens", "crud", "n:int bed:ref:bookings.", "bookings/public.py offers no"),
        ("gardens", "crud", "n:int at:ref:bookings.booking", "give the garden owner:user too"),
        ("gardens", "crud", "n:int at:many:bookings.booking owner:user(seen)", "only its owner"),
        ("gardens", "job", "photo:image", "cannot be of type image"),
        ("gardens", "crud", "title:string?=unique", "what is unique must be there"),
        ("gardens", "crud", "done:bool?", "a bool is false unless"),
        ("gardens", "crud", "kind:choice()", "choices are words"),
        ("gardens", "crud", "kind:choice(a|a)", "stands there twice"),
        ("gardens", "crud", "kind:choice(a b)", "is no type"),
        ("gardens", "crud", "title:string bed:ref:bed", "there is no model “bed”"),
        ("gardens", "crud", "title:string; name:string", "the name of another model"),
        ("gardens", "crud", "bed: a:int; bed: b:int", "the same model twice"),
        ("gardens", "crud", "user: title:string", "choose another name"),
        ("gardens", "crud", "mail: title:string", "has a Mail already"),
        ("gardens", "crud", "plant: a:int bed:ref:bed; bed: n:int owner:user", "give the plant"),
        ("gardens", "job", "a:int; b: c:int", "parameters, not models"),
        ("gardens", "job", "bed:ref:bed", "no models to refer to"),
        ("gardens", "job", "word:string=unique", "cannot be unique"),
        ("gardens", "job", "file:string", "cannot be called file"),
        ("gardens", "job", "name:string", "has name already"),
        ("gardens", "job", "lines:int", "has lines already"),
        ("function", "job", "", "means something else already"),
        ("function", "crud", PLAIN, "another use for “function”"),
        ("gardens", "crud", "operation: title:string", "another use for “operations”"),
        ("gardens", "crud", "todo: title:string; todo_list: name:string", "both have a TodoList"),
        ("gardens", "crud", "todo: a:int; todo_request: b:int", "both have a TodoRequest"),
        ("gardens", "crud", "plant: plant:string", "cannot have a field called plant"),
        ("gardens", "crud", "plant: n:int bed:ref:bed bed_name:string; bed: n:int", "bed_name"),
        ("gardens", "crud", "plant: a:int bed:ref:bed; bed: b:int top:ref:plant", "none can be"),
        ("gardens", "crud", "bed: name:string inside:ref:bed", "inside:ref:bed?"),
        ("g" * 40, "crud", f"p: {'n' * 30}:string=unique", "together too long"),
    ],
)  # fmt: skip
def test_refused_with_a_sentence(name: str, kind: str, fields: str, sentence: str) -> None:
    with pytest.raises(SpecError) as refused:
        read_spec(name, kind, fields)
    assert sentence in str(refused.value)


@pytest.mark.parametrize("name", ["invoices", "packages", "cases", "licenses", "movies"])
def test_words_that_only_tests_use_are_free(name: str) -> None:
    assert read_spec(name, "crud", PLAIN).name == name


@pytest.mark.parametrize(
    "fields",
    ["n:int at:ref:bookings.booking owner:user", "n:int using:many:bookings.instrument"],
)
def test_a_row_of_another_feature_may_be_named_by_who_sees_it(fields: str) -> None:
    (model,) = read_spec("gardens", "crud", fields).models
    assert model.refs[0].feature == "bookings"


@pytest.mark.parametrize(
    "field",
    ["size:int=-7", "size:int=0", "size:float=0.5", "size:float=-12", "price:decimal(4,4)=0.1234",
     "price:decimal=0012.5", "mail:email=a@example.org", "site:url=https://example.org/a",
     "code:slug=a-b_c", "word:string=Größe", "done:bool=true"],
)  # fmt: skip
def test_a_default_is_what_was_said(field: str) -> None:
    (read,) = read_spec("gardens", "job", field).parameters
    assert read.default == field.partition("=")[2]


@pytest.mark.parametrize(
    ("kind", "inputs", "sentence"),
    [
        ("job", "photos", "say one of"),
        ("job", "none?", "none is all"),
        ("job", "none:.csv", "none is all"),
        ("job", "files:", "cannot accept “”"),
        ("job", "files:csv", "such as files:.csv,image/[*]"),
        ("job", "file:image/*, .csv", "cannot accept “ .csv”"),
        ("job", "file:pictures/*", "cannot accept “pictures/[*]”"),
        ("crud", "none", "leave it out, or say KIND=job"),
    ],
)
def test_inputs_that_cannot_be_are_refused(kind: str, inputs: str, sentence: str) -> None:
    with pytest.raises(SpecError, match=sentence):
        read_spec("gardens", kind, PLAIN, inputs)


@pytest.mark.parametrize(
    ("inputs", "declared"),
    [
        ("", "Input()"),
        ("file?", "Input(required=False)"),
        ("files", 'Input(many=True, label="Files")'),
        ("files?:image/*,.csv",
         'Input(many=True, required=False, accept=["image/*", ".csv"], label="Files")'),
    ],
)  # fmt: skip
def test_inputs_are_declared_as_they_were_said(inputs: str, declared: str) -> None:
    assert read_spec("gardens", "job", "", inputs).inputs.code == declared


def test_a_terminal_is_asked_until_the_answer_can_be(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = iter(["photos", " files? "])
    monkeypatch.setattr("builtins.input", lambda _: next(answers))
    assert ask_inputs() == "files?"
    assert "INPUTS is photos" in capsys.readouterr().out


def test_the_command_ends_with_2_and_writes_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.feature", "--name=gardens", "--kind=crud", "--fields=x"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("“x” has no type: write x:string")
    assert "Traceback" not in done.stderr
    assert not (PACKAGE / "gardens").exists()


@pytest.mark.parametrize("url", ["example.org", "ftp://example.org", 'https://example.org/?q="a"'])
def test_a_service_is_a_url_that_can_be_written_down(url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.feature", "--name=gardens", "--kind=job",
         f"--service={url}"], cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, "SERVICE=https://" in done.stderr) == (2, True)
    assert not (PACKAGE / "gardens").exists()


def test_a_service_is_called_with_a_file_or_without() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.feature", "--name=gardens", "--kind=job",
         "--inputs=files", "--service=https://gardens.example.org"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, "INPUTS=file or INPUTS=none" in done.stderr) == (2, True)
    assert not (PACKAGE / "gardens").exists()


@pytest.mark.parametrize(
    ("plural", "singular"),
    [("todos", "todo"), ("expenses", "expense"), ("categories", "category"), ("boxes", "box"),
     ("addresses", "address"), ("branches", "branch"), ("blog", "blog"),
     ("movies", "movie"), ("old_cookies", "old_cookie"), ("statuses", "status"), ("buses", "bus"),
     ("houses", "house"), ("abuses", "abuse"), ("canvases", "canvas"), ("lenses", "lens"),
     ("cases", "case"), ("caches", "cache"), ("series", "series"), ("news", "news"),
     ("status", "status"), ("lens", "lens")],
)  # fmt: skip
def test_a_model_is_named_after_one_of_what_the_feature_has(plural: str, singular: str) -> None:
    assert singular_of(plural) == singular
    if plural != singular:
        assert plural_of(singular) == plural
