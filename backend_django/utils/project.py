"""The one reader of project.toml: what this project is called, and by whom."""

import tomllib
from dataclasses import dataclass
from email.utils import formataddr
from pathlib import Path

FILE = Path(__file__).resolve().parents[2] / "project.toml"


@dataclass(frozen=True)
class Project:
    """`name` is for people, `slug` for machines; mails come from `email`."""

    name: str
    slug: str
    version: str
    description: str
    author: str
    email: str

    @property
    def sender(self) -> str:
        """The From of mails: "name <email>", encoded where the name or the domain needs it.

        Raises:
            UnicodeError: no mail server would take the email.
        """
        local, at, domain = self.email.rpartition("@")
        return formataddr((self.name, f"{local}{at}{domain.encode('idna').decode()}"))


def read_project(file: Path = FILE) -> Project:
    """Return what `file` says.

    Raises:
        ValueError: the file is not TOML, or a line is missing, unknown or no text.
    """
    try:
        project = Project(**tomllib.loads(file.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, TypeError) as error:
        raise ValueError(f"{file.name} cannot be used: {error}") from None
    for name, value in vars(project).items():
        if not isinstance(value, str) or not value.strip():
            raise ValueError(f"{file.name}: {name} must be a text that is not empty.")
    try:
        project.sender  # noqa: B018
    except UnicodeError:
        raise ValueError(f"{file.name}: no mail can come from {project.email}.") from None
    return project
