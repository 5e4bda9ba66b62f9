"""Reads INPUTS: what a job works on."""

import fnmatch
import mimetypes
import re
from dataclasses import dataclass

from scripts.feature.names import SpecError

FORM = re.compile(r"(none|file|files)(\??)(?::(.*))?")
ACCEPTED = re.compile(r"\.[a-z0-9][a-z0-9.]*|[a-z]+/(\*|[a-z0-9][a-z0-9.+-]*)")
HOW = """  none     nothing: a report, a check
  file     one file; several that are dropped are a request each
  file?    one file, or none
  files    several files for one request
  files?   several, or none
What is accepted may follow a colon: files:image/*,.csv"""


@dataclass(frozen=True)
class Inputs:
    """`key` is that of the input, "file" or "files"; "" when the job works on none."""

    key: str = "file"
    required: bool = True
    accept: tuple[str, ...] = ()

    @property
    def many(self) -> bool:
        return self.key == "files"

    @property
    def is_usual(self) -> bool:
        """Whether a processor that says nothing of its inputs has these."""
        return self == Inputs()

    @property
    def by_drop(self) -> bool:
        """Whether the page takes each file as a request, without a form to submit."""
        by_ending = all(wanted.startswith(".") for wanted in self.accept)
        return self.key == "file" and self.required and by_ending

    @property
    def code(self) -> str:
        """The declaration in the processor."""
        accepted = ", ".join(f'"{wanted}"' for wanted in self.accept)
        given = {
            "many=True": self.many,
            "required=False": not self.required,
            f"accept=[{accepted}]": self.accept,
            'label="Files"': self.many,
        }
        return f"Input({', '.join(argument for argument, is_given in given.items() if is_given)})"

    @property
    def sample(self) -> str:
        """The ending of a file that is accepted."""
        return ending(self.accept[0]) if self.accept else ".txt"


def ending(wanted: str) -> str:
    """Return how the name of a file that is accepted may end, "" if there is none."""
    if wanted.startswith("."):
        return wanted
    known = mimetypes.MimeTypes().types_map[True].items()
    return next((end for end, kind in known if fnmatch.fnmatch(kind, wanted)), "")


def read_inputs(text: str) -> Inputs:
    """Return what a job works on.

    Raises:
        SpecError: it cannot be; says what can.
    """
    form = FORM.fullmatch(text or "file")
    if form is None:
        raise SpecError(f"INPUTS is {text}: say one of\n{HOW}")
    key, mark, accept = form.groups()
    if key == "none" and text != "none":
        raise SpecError(f"INPUTS is {text}: none is all there is to say of a job without files.")
    accepted = tuple(accept.split(",")) if accept is not None else ()
    for wanted in accepted:
        if not (ACCEPTED.fullmatch(wanted) and ending(wanted)):
            raise SpecError(
                f"INPUTS cannot accept “{wanted}”: say extensions and media types with commas "
                f"between, such as {key}:.csv,image/*"
            )
    return Inputs("" if key == "none" else key, not mark, accepted)
