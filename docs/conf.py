"""The documentation as a site: `make docs`. Warnings, such as a broken link, fail the build."""

import logging
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from backend_django.utils.project import read_project

project = read_project().name
author = copyright = read_project().author  # noqa: A001 (Sphinx names it so)
extensions = ["myst_parser"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = project
html_show_sphinx = False
html_copy_source = False


def setup(_: object) -> None:
    """Let a pattern for pages of a module that was left out match nothing.

    `suppress_warnings` does not know this warning: Sphinx gives it a subtype and no type.
    """
    for handler in logging.getLogger("sphinx").handlers:
        handler.filters.insert(0, lambda record: "toctree glob pattern" not in record.msg)
