"""Band arithmetic: text such as `(b4-b3)/(b4+b3)`, read against a white list and computed by numpy.

Nothing of it is Python's to run: a syntax tree is walked, and what is not in the tables is refused.
"""

import ast
import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from backend_django.utils.messages import Message

if TYPE_CHECKING:  # numpy is not loaded at the start of a web process
    import numpy as np
    from numpy.typing import NDArray

MAX_LENGTH = 200  # characters
MAX_OPERATIONS = 40  # each is a pass over the pixels of a tile
MAX_BANDS = 8  # each is read from the file
_MAX_DEPTH = 20

# What numpy calls it.
_BINARY: Mapping[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.Pow: "power",
}
_UNARY: Mapping[type[ast.unaryop], str] = {
    ast.USub: "negative",
    ast.UAdd: "positive",
}
_COMPARISONS: Mapping[type[ast.cmpop], str] = {
    ast.Lt: "less",
    ast.LtE: "less_equal",
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
    ast.Eq: "equal",
    ast.NotEq: "not_equal",
}
_FUNCTIONS: Mapping[str, tuple[int, str]] = {  # how many arguments it takes, and numpy's name
    "abs": (1, "abs"),
    "sqrt": (1, "sqrt"),
    "exp": (1, "exp"),
    "log": (1, "log"),
    "log10": (1, "log10"),
    "min": (2, "minimum"),
    "max": (2, "maximum"),
    "where": (3, "where"),
}
_BAND = re.compile("b([1-9][0-9]{0,2})")
_CHARACTERS = re.compile(r"[a-z0-9+\-*/().,<>=! _]*")


class ExpressionError(ValueError):
    """An error in an expression, in a sentence."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message


class Expression:
    """An expression that was found to be safe to compute."""

    def __init__(self, text: str) -> None:
        if not text.strip() or len(text) > MAX_LENGTH:
            raise ExpressionError(Message("Must have one to %(most)s characters.", most=MAX_LENGTH))
        lowered = text.lower()
        if not _CHARACTERS.fullmatch(lowered):
            raise ExpressionError(
                Message(
                    "Use bands (b1, b2, …), numbers, + - * / **, comparisons, parentheses "
                    "and %(functions)s.",
                    functions=", ".join(_FUNCTIONS),
                )
            )
        try:
            self._tree = ast.parse(lowered.strip(), mode="eval").body
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            raise ExpressionError(
                Message("It cannot be read. Are all parentheses closed?")
            ) from None
        self._operations = 0
        found: set[int] = set()
        self._check(self._tree, found, 0)
        if not found:
            raise ExpressionError(Message("Name at least one band, as in b1 * 2."))
        if len(found) > MAX_BANDS:
            raise ExpressionError(Message("Use at most %(most)s different bands.", most=MAX_BANDS))
        self.bands = tuple(sorted(found))

    def __call__(self, values: "NDArray[Any]") -> "NDArray[np.float64]":
        """Compute it from the values of `bands`, which the first axis counts.

        Where it has no finite value, as after a division by zero, it is NaN.
        """
        import numpy as np

        numbers = np.abs(values) if np.iscomplexobj(values) else values
        bands = dict(zip(self.bands, numbers.astype(np.float64), strict=True))
        with np.errstate(all="ignore"):
            result = np.asarray(self._compute(self._tree, bands), np.float64)
        result = np.broadcast_to(result, values.shape[1:]).copy()
        result[~np.isfinite(result)] = np.nan
        return result

    def _check(self, node: ast.AST, bands: set[int], depth: int) -> None:
        if depth > _MAX_DEPTH:
            raise ExpressionError(Message("It is nested too deeply."))
        children: list[ast.AST] = []
        match node:
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                if not math.isfinite(value) or abs(value) > 1e100:
                    raise ExpressionError(Message("A number in it is too large."))
                return
            case ast.Name(id=name) if found := _BAND.fullmatch(name):
                bands.add(int(found[1]))
                return
            case ast.BinOp(op=operator) if type(operator) in _BINARY:
                children = [node.left, node.right]
            case ast.UnaryOp(op=operator) if type(operator) in _UNARY:
                children = [node.operand]
            case ast.Compare(ops=[operator]) if type(operator) in _COMPARISONS:
                children = [node.left, *node.comparators]
            case ast.Call(func=ast.Name(id=name), keywords=[]) if name in _FUNCTIONS:
                children = list(node.args)
                wanted = _FUNCTIONS[name][0]
                if len(children) != wanted:
                    raise ExpressionError(
                        Message.counted(
                            "%(name)s takes %(count)s value.",
                            "%(name)s takes %(count)s values.",
                            count=wanted,
                            name=name,
                        )
                    )
            case ast.Name(id=name) | ast.Call(func=ast.Name(id=name)) if name not in _FUNCTIONS:
                raise ExpressionError(
                    Message(
                        "“%(name)s” is not known. Bands are b1, b2, …; functions are "
                        "%(functions)s.",
                        name=name,
                        functions=", ".join(_FUNCTIONS),
                    )
                )
            case _:
                raise ExpressionError(
                    Message(
                        "Use only bands (b1, b2, …), numbers, + - * / **, one comparison at a "
                        "time, parentheses and %(functions)s.",
                        functions=", ".join(_FUNCTIONS),
                    )
                )
        self._operations += 1
        if self._operations > MAX_OPERATIONS:
            raise ExpressionError(
                Message("It has more than %(most)s operations.", most=MAX_OPERATIONS)
            )
        for child in children:
            self._check(child, bands, depth + 1)

    def _compute(self, node: ast.AST, bands: Mapping[int, Any]) -> Any:
        import numpy as np

        match node:
            case ast.Constant(value=value):
                return np.float64(value)  # type: ignore[arg-type]
            case ast.Name(id=name):
                return bands[int(name[1:])]
            case ast.BinOp():
                name, parts = _BINARY[type(node.op)], [node.left, node.right]
            case ast.UnaryOp():
                name, parts = _UNARY[type(node.op)], [node.operand]
            case ast.Compare():
                name, parts = _COMPARISONS[type(node.ops[0])], [node.left, *node.comparators]
            case ast.Call(func=ast.Name(id=called)):
                name, parts = _FUNCTIONS[called][1], node.args
            case _:
                raise AssertionError(node)  # `_check` has let it through
        values = [self._compute(part, bands) for part in parts]
        if name == "where":
            values[0] = values[0] != 0
        return np.asarray(getattr(np, name)(*values), np.float64)


@lru_cache(256)
def parse_expression(text: str) -> Expression:
    """Return the expression that a text is.

    Raises:
        ExpressionError: it is none, or would cost too much.
    """
    return Expression(text)
