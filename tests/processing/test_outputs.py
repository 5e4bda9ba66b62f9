"""What a job hands back as its files: plain files of its own, and nothing else, are published."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage, default_storage

from backend_django.processing import runner
from backend_django.processing.processor import Context, Output, OutputFile

from .conftest import GOOD, Run, written

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def linked(context: Context, make: Callable[[Path, Path], None], target: Path | None) -> Path:
    path = context.workdir / "link"
    make(target or written(context), path)
    return path


def pipe(context: Context) -> Path:
    os.mkfifo(context.workdir / "pipe")
    return context.workdir / "pipe"


@pytest.mark.parametrize(
    "path",
    [
        lambda context: linked(context, lambda to, at: at.symlink_to(to), Path("/etc/passwd")),
        lambda context: linked(context, lambda to, at: at.symlink_to(to), None),
        lambda context: linked(context, lambda to, at: at.hardlink_to(to), None),
        lambda context: Path("/etc/passwd"),
        lambda context: context.workdir / ".." / ".." / "x",
        lambda context: context.workdir / "never written",
        lambda context: context.workdir,
        lambda context: context.input.path,
        lambda context: Path("relative"),
        lambda context: str(written(context)),
        pipe,
    ],
)
def test_output_that_is_no_plain_file_of_the_job_is_refused(
    run: Run, path: Callable[[Context], Any]
) -> None:
    passwd = Path("/etc/passwd").read_bytes()
    request = run(lambda c: Output(GOOD, {"report": OutputFile(path(c), "a.txt", "text/plain")}))
    assert (request.status, request.error_code) == ("failed", "internal_error")
    assert Path(default_storage.path(request.input_file)).is_file(), "the input was moved away"
    assert Path("/etc/passwd").read_bytes() == passwd


def exchange(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/passwd")


@pytest.mark.parametrize(
    "exchanged_before", [(runner, "check_presentation"), (runner, "save_output"),
                         (FileSystemStorage, "save")],
)  # fmt: skip
def test_output_that_is_exchanged_after_it_was_checked(
    run: Run, monkeypatch: pytest.MonkeyPatch, exchanged_before: tuple[Any, str]
) -> None:
    """A process or thread of the job's might do that; these are the moments at which it could."""
    owner, name = exchanged_before
    goes_on, made = getattr(owner, name), []

    def job(context: Context) -> Output:
        made.append(written(context))
        return Output(GOOD, {"report": OutputFile(made[0], "a.txt", "text/plain")})

    def late(*arguments: Any, **options: Any) -> Any:
        with suppress(FileNotFoundError, IndexError):  # it was moved, or is not made yet
            exchange(made[0])
        return goes_on(*arguments, **options)

    monkeypatch.setattr(owner, name, late)
    request = run(job)
    folder = Path(default_storage.path(f"requests/{request.id}"))
    kept = [path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()]
    if name == "check_presentation":  # too late
        assert (request.status, [path.read_text() for path in kept]) == ("completed", ["content"])
    else:
        assert (request.status, request.error_code, kept) == ("failed", "internal_error", [])


def test_what_a_job_leaves_running_is_ended_before_its_output_is_checked(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = []
    for name in ("end_descendants", "check_output"):
        goes_on = getattr(runner, name)

        def noted(*given: Any, name: str = name, goes_on: Any = goes_on) -> Any:
            order.append(name)
            return goes_on(*given)

        monkeypatch.setattr(runner, name, noted)
    assert run(lambda context: Output(GOOD)).status == "completed"
    assert order[:2] == ["end_descendants", "check_output"]


@pytest.mark.parametrize("key", ["", "../x", "a/b", "/etc/x", "x" * 400, "a\r\nb", "é", 5])
def test_key_of_an_output_that_no_address_can_carry_is_refused(run: Run, key: Any) -> None:
    request = run(lambda c: Output(GOOD, {key: OutputFile(written(c), "a.txt", "text/plain")}))
    assert (request.status, request.error_code) == ("failed", "internal_error")


@pytest.mark.parametrize(
    "content_type",
    ["", "text", "text/plain\r\nX: y", "é/x", "a/b; c", None, "text/" + "x" * 10_000],
)
def test_content_type_that_no_header_can_carry_is_refused(run: Run, content_type: Any) -> None:
    request = run(lambda c: Output(GOOD, {"report": OutputFile(written(c), "a", content_type)}))
    assert (request.status, request.error_code) == ("failed", "internal_error")


def test_long_filename_is_cut_so_that_a_header_can_carry_it(run: Run) -> None:
    request = run(
        lambda c: Output(GOOD, {"report": OutputFile(written(c), "é" * 5000 + ".txt", "a/b")})
    )
    assert request.result.files["report"]["filename"] == "é" * 180 + ".txt"


def test_one_file_under_two_keys_is_refused(run: Run) -> None:
    def job(context: Context) -> Output:
        file = OutputFile(written(context), "a.txt", "text/plain")
        return Output(GOOD, {"report": file, "again": file})

    assert run(job).error_code == "internal_error"
