"""Valid names for a feature, its models and its fields, and the names already taken."""

import builtins
import keyword
import re
from pathlib import Path

from scripts.environment import ROOT

BACKEND = ROOT / "backend_django"
PAGES = ROOT / "frontend_vue" / "src"
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
COMMENT = re.compile(r"/\*.*?\*/|<!--.*?-->|//[^\n]*|#[^\n]*", re.DOTALL)  # may give examples
LONGEST = 40
# Addresses, and labels of apps, that are somebody else's already.
TAKEN = {
    "account", "accounts", "admin", "api", "app", "assets", "auth", "authtoken", "composables",
    "contenttypes", "crud", "docs", "features", "health", "login", "messages", "metrics", "mfa",
    "requests", "schema", "sessions", "sites", "socialaccount", "static", "staticfiles", "tests",
    "ui", "version",
}  # fmt: skip
FIELD_NAMES = {
    "id", "pk", "objects", "created_at", "updated_at", "page", "page_size", "search", "ordering",
    "check", "clean", "clean_fields", "date_error_message", "delete", "from_db", "full_clean",
    "get_constraints", "meta", "prepare_database_save", "refresh_from_db", "save", "save_base",
    "serializable_value", "unique_error_message", "validate_constraints", "validate_unique",
    "arefresh_from_db", "adelete", "asave", "file", "upload", "format", "models", "owner_id",
    "self", "serializers", "settings", "str", "dict", "may_change", "unique", "unused", "uuid4",
}  # fmt: skip
# What the sources of a feature call something else: in Python, and on the page.
MODEL_NAMES = {
    "Any", "Cast", "Date", "Decimal", "Feature", "File", "Iterator", "Model", "Name", "Query",
    "Row", "Serializer", "Services", "User", "Value",
}  # fmt: skip
PAGE_NAMES = {
    "api", "at", "components", "default", "delete", "export", "extends", "fields", "function",
    "import", "instanceof", "new", "null", "operations", "paths", "super", "switch", "this",
    "throw", "true", "false", "typeof", "unwrap", "var", "void", "words", "parameters", "catch",
    "const", "debugger", "do", "enum", "case", "let", "package", "private", "public", "static",
}  # fmt: skip
# What stands behind the name of a model in the name of something of it.
SUFFIXES = (
    "List", "ListQuery", "Create", "Detail", "Update", "Delete", "Form", "Input", "Query",
    "Request", "Serializer", "View", "Admin",
)  # fmt: skip
BUILTINS = {*dir(builtins)} - {"copyright", "credits", "license"}
LONGEST_IN_DATABASE = 63
# Words with a plural that the rules for endings would shorten to something else, or with none.
SINGULARS = (
    "alias", "bias", "bonus", "bus", "cache", "calorie", "campus", "canvas", "cookie", "lens",
    "movie", "news", "series", "species", "status", "virus",
)  # fmt: skip
OF_A_RESULT = {"lines", "words", "answers", "files", "bytes"}


class SpecError(Exception):
    """The feature can't be made as requested; the message says what to do."""


def camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def lower_camel(name: str) -> str:
    return name[0] + camel(name)[1:]


def singular_of(plural: str) -> str:
    """expenses -> expense, categories -> category, boxes -> box, news -> news."""
    for singular in SINGULARS:
        if re.search(rf"(^|_)({singular}|{plural_of(singular)})$", plural):
            return re.sub(rf"{plural_of(singular)}$", singular, plural)
    for ending, instead in (
        ("ies", "y"),
        ("sses", "ss"),
        ("xes", "x"),
        ("ches", "ch"),
        ("shes", "sh"),
    ):
        if plural.endswith(ending) and len(plural) > len(ending) + 1:
            return plural.removesuffix(ending) + instead
    if plural.endswith("s") and not plural.endswith(("ss", "us", "is")):
        return plural[:-1]
    return plural


def plural_of(singular: str) -> str:
    if re.search(r"[^aeiou]y$", singular):
        return singular[:-1] + "ies"
    return singular + ("es" if re.search(r"(s|x|z|ch|sh)$", singular) else "s")


def check_name(name: str) -> None:
    if not NAME.fullmatch(name) or len(name) > LONGEST:
        guess = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_0123456789")[:LONGEST]
        example = guess if NAME.fullmatch(guess) else "todos"
        raise SpecError(
            f"NAME is {f'“{name}”' if name else 'missing'}: it takes lower-case letters, digits "
            f"and single underscores, {LONGEST} at most, such as NAME={example}."
        )
    if keyword.iskeyword(name) or name in TAKEN:
        raise SpecError(f"NAME={name} means something else already: choose another name.")
    for folder in (BACKEND / name, PAGES / "features" / name, PAGES / name):
        if folder.exists():
            raise SpecError(
                f"{folder.relative_to(ROOT)} is there already: choose another name, or remove it."
            )
    named = re.compile(rf"""backend_django[./]{name}\b|features/{name}\b|/{name}/|['"]{name}['"]""")
    for path in [*BACKEND.glob("*/**/*.py"), *PAGES.glob("*/**/*.ts"), *PAGES.glob("*/**/*.vue")]:
        core = not {"migrations", "tests", "features"} & set(
            path.relative_to(ROOT).parts
        ) and is_core(path)
        shown = ".test." not in path.name and path.name not in {"testing.ts", "schema.d.ts"}
        if core and shown and named.search(COMMENT.sub("", path.read_text("utf-8"))):
            raise SpecError(
                f"{path.relative_to(ROOT)} uses the word “{name}” for something else: choose "
                f"another name, such as my_{name}."
            )


def is_core(path: Path) -> bool:
    if BACKEND not in path.parents:
        return True
    apps = BACKEND / path.relative_to(BACKEND).parts[0] / "apps.py"
    return not apps.exists() or "FeatureConfig" not in apps.read_text(encoding="utf-8")


def check_identifier(name: str, what: str) -> None:
    if not NAME.fullmatch(name) or len(name) > LONGEST or keyword.iskeyword(name):
        raise SpecError(
            f"“{name}” cannot be the name of a {what}: it takes lower-case letters, digits and "
            f"single underscores, {LONGEST} at most."
        )
