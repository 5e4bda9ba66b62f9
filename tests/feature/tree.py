"""A copy of the repository in which features are made, with the installed packages of this one."""

import subprocess
import sys
from pathlib import Path

from tests.stack import ROOT
from tests.test_removal import copy_of_the_tree, environment_of_a_person


class Tree:
    """Where commands are run as a person would, who has just cloned the repository."""

    def __init__(self, folder: Path) -> None:
        # What is installed here must be up to date: installed from there, it would go through the
        # links, and npm begins by emptying the folder.
        subprocess.run(
            [sys.executable, "-m", "scripts.bootstrap", "--no-build"], cwd=ROOT, check=True
        )
        self.folder = copy_of_the_tree(folder)

    def run(self, *command: str) -> str:
        done = subprocess.run(
            command, cwd=self.folder, env=environment_of_a_person(), capture_output=True, text=True
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
