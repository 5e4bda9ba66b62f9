"""`make new NAME="River Watch"`: turns this clone of the template into a project of its own.

What is written is what copier copies of this commit, without the modules that are not wanted and
without what only the template needs: as a first commit of its own, or on top of the template's
history with KEEP_HISTORY=1. Standard library only: this runs before anything is installed.
"""

import argparse
import json
import re
import shutil
import sys
import tempfile
import unicodedata
from pathlib import Path

from scripts import render, template
from scripts.environment import ROOT, UsageError

COMMITTED = """
This is {name} now, with a first commit of its own. Publish and start it:

  git remote add origin ADDRESS         # of your own repository
  make run
"""
UNCOMMITTED = """
This is {name} now. Look at it and keep it:

  git add --all && git commit --message "Start {name}"
  git remote add origin ADDRESS         # of your own repository
  make run
"""
# Letters that Unicode does not take apart into one of ASCII and an accent.
LETTERS = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}
)


def read_settings(pattern: str) -> str:
    """Return what `pattern` finds in copier.yml. Raises UsageError when it finds nothing."""
    found = re.search(pattern, (ROOT / "copier.yml").read_text(encoding="utf-8"))
    if not found:
        raise UsageError("copier.yml has no rules or no choices: restore it from git.")
    return found[1]


def read_choices(question: str) -> list[str]:
    """Return the values that may be chosen as the answer to a question of copier.yml."""
    choices = read_settings(rf"(?ms)^{question}:$.*?^  choices:\n(.*?)^(?! {{4}})")
    return re.findall(r"(?m)^    .*: (\S+)$", choices)


def check_answers(answers: dict[str, str], without: list[str]) -> None:
    """Raise UsageError for what copier would refuse by copier.yml, before anything is fetched."""
    rules = json.loads(read_settings(r"(?ms)^rules:$.*?^  default:\n(.*?^    \}$)"))
    for name, checks in rules.items():
        for pattern, reason in checks if answers[name] else []:
            if not re.search(pattern, answers[name]):
                raise UsageError(f"{name.upper()}: {reason}")
    if answers["name"] == read_settings(r"\{== name == '(.+)' ==\}"):
        raise UsageError("NAME: that is the template's own name. Choose another name.")
    licenses, modules = read_choices("license"), read_choices("without")
    if answers["license"] and answers["license"] not in licenses:
        raise UsageError(f"LICENSE: use one of {', '.join(licenses)}.")
    if unknown := [name for name in without if name not in modules]:
        raise UsageError(
            f"WITHOUT: there is no module {', '.join(unknown)}. Use any of {', '.join(modules)}."
        )
    render.check_needs(render.read_modules(ROOT), without)


def make_slug(name: str) -> str:
    """Return a name in ASCII for machines; nothing when a letter of it has no ASCII form."""
    text = unicodedata.normalize("NFKD", name.lower().translate(LETTERS))
    text = "".join(letter for letter in text if not unicodedata.combining(letter))
    if any(letter.isalnum() and not letter.isascii() for letter in text):
        return ""
    return re.sub("[^a-z0-9]+", "-", text).strip("-")


def complete_answers(answers: dict[str, str]) -> None:
    """Fill in a short name and a license. Ask where somebody can answer.

    Raises:
        UsageError: nobody can answer, and there is no default.
    """
    can_answer = sys.stdin.isatty()
    answers["slug"] = answers["slug"] or make_slug(answers["name"])
    if not answers["slug"]:
        if not can_answer:
            raise UsageError(
                f"{answers['name']} needs a short name for machines: add SLUG=river-watch."
            )
        answers["slug"] = input("SLUG (what machines call it, like river-watch): ").strip()
    if not answers["license"] and can_answer:
        licenses = ", ".join(read_choices("license"))
        answers["license"] = input(f"LICENSE ({licenses}) [MIT]: ").strip()


def become(made: Path) -> None:
    """Make the committed files of this checkout those of `made`; nothing else is touched."""
    for name in filter(None, template.git("ls-files", "-z").split("\0")):
        path = ROOT / name
        # Copying follows a link that is there, and refuses to put another in its place.
        if path.is_symlink() or not (made / name).exists():
            path.unlink()
            while not any(path.parent.iterdir()):
                path = path.parent
                path.rmdir()
    shutil.copytree(made, ROOT, dirs_exist_ok=True, symlinks=True)


def check_can_commit() -> None:
    """Raise UsageError when git could not make the first commit."""
    try:
        template.git("var", "GIT_AUTHOR_IDENT")
        template.git("var", "GIT_COMMITTER_IDENT")
    except UsageError:
        raise UsageError(
            "git does not know who you are: set user.name and user.email with `git config`."
        ) from None
    on_branch = template.git("rev-parse", "--abbrev-ref", "HEAD").strip() != "HEAD"
    if not on_branch and template.git("branch", "--list", "main").strip():
        raise UsageError("No branch is checked out: run `git switch main` first.")


def start_history(name: str) -> None:
    """Replace the history of the current branch by one commit of the files that are here."""
    template.git("add", "--all")
    tree = template.git("write-tree").strip()
    commit = template.git("commit-tree", tree, "-m", f"Start {name}").strip()
    if template.git("rev-parse", "--abbrev-ref", "HEAD").strip() == "HEAD":
        template.git("checkout", "--quiet", "-b", "main")
    template.git("reset", "--quiet", "--soft", commit)


def part_from_template() -> None:
    """Rename the remote to `template`, and keep its tags apart from those of the project."""
    for line in template.git(
        "for-each-ref", "--format=%(objectname) %(refname)", "refs/tags"
    ).splitlines():
        value, _, tag = line.partition(" ")
        template.git("update-ref", tag.replace("refs/tags/", "refs/template/"), value)
        template.git("update-ref", "-d", tag)
    if "origin" in template.git("remote").split():
        template.git("remote", "rename", "origin", "template")
        template.git("config", "remote.template.tagOpt", "--no-tags")
        template.git("config", "--add", "remote.template.fetch", "+refs/tags/*:refs/template/*")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make new", description=__doc__)
    for name in ("name", "slug", "description", "author", "email", "contact", "license"):
        parser.add_argument(f"--{name}", default="")
    parser.add_argument("--keep-history", action="store_true", help="commit nothing")
    parser.add_argument("--without", default="", help="modules to leave out, separated by spaces")
    options = vars(parser.parse_args(arguments))
    keep_history = options.pop("keep_history")
    without = options.pop("without").replace(",", " ").split()
    try:
        if not options["name"]:
            raise UsageError('Say what the project is called: make new NAME="River Watch"')
        check_answers(options, without)
        complete_answers(options)
        check_answers(options, without)
        template.check_clean()
        if not keep_history:
            check_can_commit()
        data = [f"--data={key}={value}" for key, value in options.items() if value]
        data += [f"--data=without={json.dumps(without)}"]
        with tempfile.TemporaryDirectory() as folder:
            made, packed = Path(folder, "project"), Path(folder, "template")
            # Copier looks at each file below .git, and a clone by path has thousands there.
            template.git("clone", "--quiet", "--no-local", ".", str(packed))
            answers = render.render(packed, "HEAD", made, *data)
            answers = render.at_home(answers, render.home())
            (made / template.ANSWERS.name).write_text(answers, encoding="utf-8")
            become(made)
        if not keep_history:
            start_history(options["name"])
        part_from_template()
    except UsageError as error:
        print(error, file=sys.stderr)
        return 1
    print((UNCOMMITTED if keep_history else COMMITTED).format(name=options["name"]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
