"""A copy of the repository in which features are made."""

import subprocess
import sys
from pathlib import Path

from tests.stack import ROOT
from tests.tree import copy_of_the_tree, execute, run


class Tree:
    """A copy of the repository, and the commands that are run there."""

    def __init__(self, folder: Path) -> None:
        # What is installed here must be up to date: installed from there, it would go through the
        # links, and npm begins by emptying the folder.
        subprocess.run(
            [sys.executable, "-m", "scripts.bootstrap", "--no-build"], cwd=ROOT, check=True
        )
        self.folder = copy_of_the_tree(folder)

    def run(self, *command: str) -> str:
        return execute(self.folder, *command)

    def python(self, *arguments: str) -> str:
        return run(self.folder, *arguments)

    def node(self, *arguments: str) -> str:
        return self.python("scripts.node", "npm", "run", "--silent", *arguments)

    def feature(
        self, name: str, kind: str, fields: str, service: str = "", inputs: str = ""
    ) -> None:
        self.python("scripts.feature", f"--name={name}", f"--kind={kind}", f"--fields={fields}",
                    f"--service={service}", f"--inputs={inputs}")  # fmt: skip
        self.run("git", "add", "-A")
