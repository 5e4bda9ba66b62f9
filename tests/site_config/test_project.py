"""project.toml is the one place that names the project, and everything reads it."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from backend_django.mail.emails import Email
from backend_django.pages.views import _render_cached
from backend_django.utils.project import Project, read_project
from tests.stack import ROOT

TEMPLATE = "root" + "stock"  # also in a project made from it: what is left of the old name is found
HISTORY = ("docs/decisions/", "CHANGELOG.md")
NAMING = {"project.toml", "LICENSE", ".copier-answers.yml", "copier.yml"}
RIVER = Project(
    "River Watch", "river-watch", "2.1.0", "Looks at rivers.", "A. Nyone", "a@b.example"
)


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="only git knows which files are committed")
def test_nothing_else_names_the_project() -> None:
    found = subprocess.run(
        ["git", "grep", "-nIi", TEMPLATE, "--", "."],
        cwd=ROOT, capture_output=True, text=True,
    ).stdout.splitlines()  # fmt: skip
    heading = re.compile(r"README\.md:1:# ")
    naming = [
        line
        for line in found
        if line.split(":")[0] not in NAMING
        and not line.startswith(HISTORY)
        and not heading.match(line)
    ]
    assert naming == []


def test_readme_has_the_name_as_its_heading() -> None:
    assert (ROOT / "README.md").read_text().splitlines()[0] == f"# {read_project().name}"


def test_everything_that_people_see_has_the_name(client: Client, db: None, settings: Any) -> None:
    settings.PROJECT = RIVER
    settings.VUE_INDEX = str(ROOT / "frontend_vue" / "index.html")  # as it is before it is built
    _render_cached.cache_clear()
    page = client.get("/login").content.decode()
    _render_cached.cache_clear()
    assert "<title>River Watch</title>" in page
    assert 'content="Looks at rivers."' in page
    block = re.search(r'id="app-env">(.*?)</script>', page, re.DOTALL)
    assert block
    assert json.loads(block[1])["name"] == "River Watch"
    assert client.get("/api/v1/version-info/").json()["name"] == "river-watch"
    Email("Hello", ["Text"]).to("c@d.example").send()
    assert "River Watch" in mail.outbox[0].body
    assert isinstance(mail.outbox[0], mail.EmailMultiAlternatives)
    assert "River Watch" in str(mail.outbox[0].alternatives[0][0])


def test_sender_is_quoted_where_the_name_needs_it() -> None:
    odd = Project("Rivers, Inc.", "r", "1", "d", "a", "a@b.example")
    assert odd.sender == '"Rivers, Inc." <a@b.example>'


def test_mails_may_come_from_a_domain_of_any_script() -> None:
    labor = Project("Labor", "l", "1", "d", "a", "proben@süd.example")
    assert labor.sender == "Labor <proben@xn--sd-xka.example>"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('name = "a"', "missing 5 required"),
        ('nam = "a"', "unexpected keyword argument 'nam'"),
        ("name = ", "Invalid value"),
        (
            'name = ""\nslug = "a"\nversion = "1"\ndescription = "d"\nauthor = "a"\nemail = "e"',
            "name must be a text that is not empty",
        ),
        (
            'name = "n"\nslug = "a"\nversion = "1"\ndescription = "d"\nauthor = "a"\nemail = "é@b"',
            "no mail can come from é@b",
        ),
    ],
)
def test_a_bad_file_is_refused_with_the_reason(tmp_path: Path, text: str, reason: str) -> None:
    file = tmp_path / "project.toml"
    file.write_text(text)
    with pytest.raises(ValueError, match=rf"project\.toml.*{reason}"):
        read_project(file)
