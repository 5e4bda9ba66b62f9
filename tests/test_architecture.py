"""The shape of the house, as rules that can fail."""

import ast
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

from backend_django.utils.features import find_features, find_modules
from tests.of_modules import of_modules
from tests.stack import ROOT

BACKEND = ROOT / "backend_django"
# Modules that settings are told of are no less apart than features.
FEATURES = sorted({path.split(".")[1] for path in [*find_features(), *find_modules("configure")]})
SOURCES = ROOT / "frontend_vue" / "src"
COMMENT = re.compile(r"/\*.*?\*/|<!--.*?-->|//[^\n]*|#[^\n]*", re.DOTALL)  # may give examples


def test_core_layers_are_kept() -> None:
    lint = str(Path(sys.executable).parent / "lint-imports")
    command = [sys.executable, lint, "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_nothing_imports_a_feature_but_what_it_offers_to_others() -> None:
    graph = grimp.build_graph("backend_django", cache_dir=None)
    for feature in FEATURES:
        package = f"backend_django.{feature}"
        inside = {package, *graph.find_descendants(package)}
        importers = {
            importer
            for module in inside - {f"{package}.public"}
            for importer in graph.find_modules_that_directly_import(module)
        }
        assert importers <= inside, f"{importers - inside} import {feature}, past its public.py"
        if f"{package}.public" in graph.modules:
            users = graph.find_modules_that_directly_import(f"{package}.public")
            core = {user for user in users if user.split(".")[1] not in FEATURES}
            assert core == set(), f"{core}: the core knows no feature, nor {feature}"


@pytest.mark.parametrize("feature", FEATURES)
def test_core_does_not_name_a_feature(feature: str) -> None:
    core = [
        path
        for path in [*BACKEND.rglob("*.py"), *SOURCES.rglob("*.ts"), *SOURCES.rglob("*.vue")]
        if not {BACKEND / name for name in FEATURES} & {*path.parents}
        and not {SOURCES / name for name in ("features", *FEATURES)} & {*path.parents}
        and path.name not in {"schema.d.ts"}
        and ".test." not in path.name
    ]
    word = re.compile(  # in an import, an address or a string; the word alone may mean much else
        rf"""backend_django[./]{feature}\b|features/{feature}\b|/{feature}/|['"]{feature}['"]"""
    )
    naming = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in core
        for line in COMMENT.sub("", path.read_text(encoding="utf-8")).splitlines()
        if word.search(line)
    ]
    assert naming == []


def test_files_of_the_core_stay_readable() -> None:
    """Those of a feature are as long as its owners like."""
    features = {BACKEND / name for name in FEATURES} | {SOURCES / "features"}
    long = {
        str(path.relative_to(ROOT)): count
        for pattern in ("backend_django/**/*.py", "scripts/*.py", "tests/**/*.py",
                        "frontend_vue/src/**/*.ts", "frontend_vue/src/**/*.vue")
        for path in ROOT.glob(pattern)
        if path.name != "schema.d.ts"
        and not features & {*path.parents}
        and (count := len(path.read_text(encoding="utf-8").splitlines())) > 420
    }  # fmt: skip
    assert long == {}


CORE = ("audit", "files", "mail", "operations", "processing", "uploads", "users")


def test_no_circle_in_the_core_even_inside_a_room() -> None:
    graph = grimp.build_graph("backend_django", cache_dir=None)
    imports = {
        module: [
            imported
            for imported in graph.find_modules_directly_imported_by(module)
            if imported.split(".")[1] in {*CORE, "api", "utils"}
        ]
        for module in graph.modules
        if module.partition(".")[2].split(".")[0] in {*CORE, "api", "utils"}
        and not {"tests", "migrations"} & {*module.split(".")}
    }
    order = TopologicalSorter(imports)
    try:
        order.prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


# Where the core names REST framework or its own `api` beside the `api` folders: views, and the
# forms of jobs, which are serializers. The others raise errors of the domain, which
# api/problems.py translates.
SPEAK_HTTP = {
    "operations/views.py",
    "processing/processor.py",
    "processing/typed.py",
    "site_config/views.py",
}


def test_domain_of_the_core_knows_no_http() -> None:
    speaking = {
        str(path.relative_to(BACKEND))
        for package in (
            *("audit", "files", "live", "mail", "operations", "processing"),
            *("site_config", "uploads", "users"),
        )
        for path in (BACKEND / package).rglob("*.py")
        if not {"api", "tests"} & {*path.relative_to(BACKEND).parts}
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        and re.match(
            r"rest_framework|backend_django\.api\b",
            getattr(node, "module", None) or node.names[0].name,
        )
    }
    assert speaking - SPEAK_HTTP == set()


def test_tasks_are_sent_on_commit_only() -> None:
    """`.apply_async()` stands in two places; features call `utils.tasks.send_on_commit`."""
    senders = {
        str(path.relative_to(BACKEND))
        for path in BACKEND.rglob("*.py")
        if "tests" not in path.parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in {"delay", "apply_async", "send_task"}
    }
    assert senders == {"processing/enqueue.py", "utils/tasks.py"}


# `owner` is the account whose rows are meant, and was asked for beforehand.
GIVEN_AN_OWNER = {
    "api/serializers.py",
    "api/views.py",
    "processing/apps.py",
    "processing/batches.py",
    "processing/inputs.py",
    "processing/queries.py",
    "processing/services.py",
    "uploads/quota.py",
}


def test_one_place_says_who_may_see_what() -> None:
    """`policies.py` does: nothing beside it compares an owner with whoever asks."""
    asking = {
        str(path.relative_to(BACKEND))
        for path in BACKEND.rglob("*.py")
        if not {"tests", "migrations", "management"} & {*path.parts} and path.name != "admin.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", "") in {"filter", "get", "exclude"}
        and any(re.search(r"(^|__)owner(_id)?$", word.arg or "") for word in node.keywords)
    }
    assert asking - {*of_modules("PERSONAL")} == GIVEN_AN_OWNER


def test_views_take_the_owner_from_policies() -> None:
    """A view that gives `owner=request.user` forgets whoever acts for another account."""
    taking = {
        f"{path.relative_to(BACKEND)}: {ast.unparse(word.value)}"
        for path in BACKEND.glob("*/api/*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        for word in node.keywords
        if word.arg == "owner" and ast.unparse(word.value).endswith("user")
    }
    assert taking == {*of_modules("TAKES_A_PERSON")}


def test_migrations_are_complete(db: None) -> None:
    from django.core.management import call_command

    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_nothing_of_one_machine_is_committed() -> None:
    listed = subprocess.run(
        ["git", "grep", "-nIE", r"(/home/[a-z]+/|/Users/[a-z]+/|/root/)", "--", "."],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    found = [
        line
        for line in listed.stdout.splitlines()
        if not line.startswith("tests/test_arch") and "--mount=type=cache" not in line
    ]
    assert found == []
