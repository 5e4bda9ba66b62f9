"""`make drop MODULES="…"`: removes modules from this project, and all that was there for them.

What is left is what a project is that never had them; `make update` does not bring them back.
"""

import argparse
import re
import shutil
import subprocess
import sys

from scripts import schema, template
from scripts.environment import FRONTEND, ROOT, UsageError
from scripts.node import node_environment

MODULES = template.read_modules(ROOT)


def drop(modules: list[str]) -> None:
    """Remove the files of modules, their lines in files that others share, and their packages."""
    files = template.named_files(MODULES, modules)
    for path in (ROOT / path for name in modules for path in MODULES[name].paths):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    names = template.git("ls-files", "-z").split("\0")
    template.remove_lines(ROOT, names, modules, files)
    for page in (ROOT / name for name in names if name.endswith(".md")):
        if page.is_file():
            template.remove_links(ROOT, page, files)
    package = FRONTEND / "package.json"
    packages = [package for name in modules for package in MODULES[name].page_packages]
    if packages:
        lines = "|".join(map(re.escape, packages))
        package.write_text(re.sub(rf',\n    "(?:{lines})": "[^"]*"', "", package.read_text()))


def remember(names: list[str]) -> None:
    """Note in the answers file what this project does without. Without the file: nothing."""
    if not template.ANSWERS.exists():
        return
    text = template.ANSWERS.read_text(encoding="utf-8")
    had = re.search(r"(?m)^without:.*(?:\n- .*)*", text)
    known = template.left_out(text)
    lines = "without:\n" + "\n".join(f"- {name}" for name in dict.fromkeys([*known, *names]))
    text = text.replace(had[0], lines) if had else f"{text}{lines}\n"
    template.ANSWERS.write_text(text, encoding="utf-8")


def generate() -> int:
    """Make the page's lock and the API's document agree. The exit code of what failed, else 0."""
    command = ["npm", "install", "--package-lock-only", "--ignore-scripts", "--no-audit"]
    done = subprocess.run([*command, "--no-fund"], cwd=FRONTEND, env=node_environment())
    return done.returncode or schema.main()


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make drop", description=__doc__)
    parser.add_argument("modules", nargs="*", help="modules, separated by spaces")
    names = [name for word in parser.parse_args(arguments).modules for name in word.split()]
    try:
        if not names or (unknown := [name for name in names if name not in MODULES]):
            raise UsageError(
                (f"There is no module {unknown[0]}. " if names else "")
                + f"Say which: make drop MODULES={' or '.join(MODULES)}"
            )
        answers = template.ANSWERS.read_text("utf-8") if template.ANSWERS.exists() else ""
        template.check_needs(MODULES, [*names, *template.left_out(answers)])
        template.check_clean()
    except UsageError as error:
        print(error, file=sys.stderr)
        return 1
    drop(names)
    remember(names)
    if code := generate():
        return code
    print(f"Without {', '.join(names)} now. Run `make test`, look at `git diff`, then commit it.")
    for app in filter(None, (MODULES[name].tables for name in names)):
        print(f"Databases keep the tables of {app}: see “Dropping a module” in docs/upkeep.md.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
