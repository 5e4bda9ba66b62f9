"""Leave cases of a parametrized test to `make test-matrix`, which runs all of them."""

from typing import Any

import pytest


def matrix(*values: Any) -> Any:
    return pytest.param(*values, marks=pytest.mark.matrix)
