"""Cases of parametrized tests: fewer than all, or left to `make test-matrix`, which runs all."""

import random
from collections.abc import Callable, Iterable
from itertools import combinations, product
from math import prod
from typing import Any

import pytest

Case = tuple[Any, ...]


def matrix(*values: Any) -> Any:
    return pytest.param(*values, marks=pytest.mark.matrix)


def thin(cases: Iterable[Any], *, every: int) -> list[Any]:
    """Return the cases, all but each `every`th of them left to `make test-matrix`."""
    return [case if at % every == 0 else matrix(case) for at, case in enumerate(cases)]


def combine(
    choices: Iterable[Iterable[Any]],
    *,
    of: int,
    seed: int,
    possible: Callable[[Case], bool] | None = None,
) -> list[Case]:
    """Return cases in which each so many choices of different kinds meet at least once.

    Args:
        possible: says whether a case can be; all can without.
    """
    kinds = [list(values) for values in choices]
    every = list(filter(possible or bool, product(*kinds)))
    random.Random(seed).shuffle(every)
    meetings = sum(prod(map(len, some)) for some in combinations(kinds, of))
    seen: set[Case] = set()
    kept = []
    for case in every:
        if len(seen) == meetings:
            break
        met = set(combinations(enumerate(case), of))
        if met - seen:
            kept.append(case)
            seen |= met
    return kept
