"""A copy of the repository in which features are made, with the installed packages of this one."""

import os
import subprocess
import sys
from pathlib import Path

from tests.stack import ROOT

OWN = ("DJANGO_", "PYTEST_", "TESTS_", "PYTHONPATH", "MAKE", "MFLAGS")
OF_THE_SUITE = {"DATABASE_URL", "REDIS_URL", "MEDIA_ROOT", "PROCESSING_WORK_DIR"}


class Tree:
    """Where commands are run as a person would, who has just cloned the repository."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # What is installed here must be up to date: installed from there, it would go through the
        # links, and npm begins by emptying the folder.
        subprocess.run(
            [sys.executable, "-m", "scripts.bootstrap", "--no-build"], cwd=ROOT, check=True
        )
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        for name in filter(None, listed.split("\0")):
            source, target = ROOT / name, folder / name
            if source.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(source.read_bytes())
                target.chmod(source.stat().st_mode)
        for name in (".venv", ".cache", "frontend_vue/node_modules"):
            (folder / name).symlink_to(ROOT / name)
        self.run("git", "init", "-q")
        self.run("git", "add", "-A")  # some rules read what is tracked

    def run(self, *command: str) -> str:
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(OWN) and name not in OF_THE_SUITE
        }
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True
        )
        said = done.stdout[-6000:] + done.stderr[-3000:]
        assert done.returncode == 0, f"{' '.join(command)}\n{said}"
        return done.stdout

    def python(self, *arguments: str) -> str:
        return self.run(sys.executable, "-m", *arguments)

    def node(self, *arguments: str) -> str:
        return self.python("scripts.node", "npm", "run", "--silent", *arguments)

    def feature(self, name: str, kind: str, fields: str, service: str = "") -> None:
        self.python("scripts.feature", f"--name={name}", f"--kind={kind}", f"--fields={fields}",
                    f"--service={service}")  # fmt: skip
        self.run("git", "add", "-A")
