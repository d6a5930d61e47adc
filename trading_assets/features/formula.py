"""Features written as formulas: `ratio(log_return(close, 24), realised_volatility(close, 24))`.

A formula is a Python expression of numbers, columns of the bars, `+ - * /` and the functions below,
and nothing else: it is read, never run. Every function looks backwards only and knows how many
rows it needs, so a formula cannot look ahead, and its warm-up follows from its text.
"""

from __future__ import annotations

import ast
import operator
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from trading_assets.domain.bar import Timeframe
from trading_assets.domain.errors import ConfigurationError, InvariantError
from trading_assets.features import indicators as ind
from trading_assets.features.feature import Feature

if TYPE_CHECKING:
    import polars as pl
    from polars.functions.col import Col

COLUMNS = ("open", "high", "low", "close", "volume", "quote_volume", "n_trades")
_LONGEST_TEXT, _LONGEST_WINDOW = 500, 20_000


@dataclass(frozen=True, slots=True)
class Function:
    """A function of a formula.

    Attributes:
        make: of `series` expressions and then `windows` whole numbers of rows.
        warm_up: rows before its first value, from the windows; those of its arguments are added.
    """

    make: Callable[..., pl.Expr]
    series: int
    windows: int
    warm_up: Callable[..., int]


def _window(length: int) -> int:
    return length - 1


def _rows(length: int) -> int:
    return length


def _none() -> int:
    return 0


FUNCTIONS: Mapping[str, Function] = {
    "abs": Function(lambda x: x.abs(), 1, 0, _none),
    "sign": Function(lambda x: x.sign(), 1, 0, _none),
    "sqrt": Function(lambda x: x.sqrt(), 1, 0, _none),
    "log": Function(lambda x: x.log(), 1, 0, _none),
    "log1p": Function(lambda x: x.log1p(), 1, 0, _none),
    "ratio": Function(lambda x, base: ind.ratio(x, base, otherwise=0.0), 2, 0, _none),
    "lag": Function(lambda x, n: x.shift(n), 1, 1, _rows),
    "change": Function(lambda x, n: x - x.shift(n), 1, 1, _rows),
    "total": Function(lambda x, n: x.rolling_sum(n), 1, 1, _window),
    "highest": Function(lambda x, n: x.rolling_max(n), 1, 1, _window),
    "lowest": Function(lambda x, n: x.rolling_min(n), 1, 1, _window),
    "sma": Function(ind.sma, 1, 1, _window),
    "ema": Function(ind.ema, 1, 1, ind.ema_warm_up),
    "wilder": Function(ind.wilder, 1, 1, ind.wilder_warm_up),
    "log_return": Function(ind.log_return, 1, 1, _rows),
    "rate_of_change": Function(ind.rate_of_change, 1, 1, _rows),
    "rsi": Function(ind.rsi, 1, 1, ind.wilder_warm_up),
    "atr": Function(ind.atr, 3, 1, ind.wilder_warm_up),
    "macd": Function(ind.macd, 1, 2, lambda fast, slow: ind.ema_warm_up(max(fast, slow))),
    "z_score": Function(ind.z_score, 1, 1, _window),
    "realised_volatility": Function(ind.realised_volatility, 1, 1, _rows),
    "parkinson_volatility": Function(ind.parkinson_volatility, 2, 1, _window),
    "range_position": Function(ind.range_position, 3, 1, _window),
    "efficiency_ratio": Function(ind.efficiency_ratio, 1, 1, _rows),
}
_OPERATORS: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def feature_from_formula(
    name: str, formula: str, bars: Timeframe, *, reference: str = "", where: str = ""
) -> Feature:
    """Read a formula.

    Args:
        name: of the column.
        formula: see the head of this module.
        bars: size of the bars that it counts.
        reference: paper or book that the measure comes from.
        where: place that the formula comes from, for messages.

    Raises:
        ConfigurationError: if it is no such formula, naming the part that is not.
    """
    place = f"{where or 'feature'} {name}"
    body = _parsed(formula, place)
    if not _holds_a_column(body):
        raise _refusal(place, "a formula of the bars", formula)
    warm_up = _warm_up(body, place)
    return Feature(name, formula, bars, warm_up, partial(_expression, body), reference)


def _holds_a_column(part: ast.expr) -> bool:
    return any(isinstance(node, ast.Name) and node.id in COLUMNS for node in ast.walk(part))


def _parsed(formula: str, place: str) -> ast.expr:
    if len(formula) > _LONGEST_TEXT:
        raise _refusal(place, f"at most {_LONGEST_TEXT} characters", f"{len(formula)}")
    try:
        return ast.parse(formula, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise _refusal(place, "an expression", f"{formula!r}: {error}") from None


def _warm_up(node: ast.expr, place: str) -> int:
    """Give the rows before the first value of a part; refuse what is no part of a formula."""
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        if node.value > sys.float_info.max:  # type: ignore[operator]  # a number, not negative
            raise _refusal(place, "numbers that a float holds", ast.unparse(node)[:120])
        return 0
    if isinstance(node, ast.Name) and node.id in COLUMNS:
        return 0
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return _warm_up(node.operand, place)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return max(_warm_up(node.left, place), _warm_up(node.right, place))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        return _warm_up_of_call(node, node.func.id, place)
    names = ", ".join((*COLUMNS, *FUNCTIONS))
    raise _refusal(place, f"numbers, + - * / and {names}", repr(ast.unparse(node))[:120])


def _warm_up_of_call(node: ast.Call, name: str, place: str) -> int:
    function = FUNCTIONS.get(name)
    if function is None:
        raise _refusal(place, f"one of {', '.join(FUNCTIONS)}", f"{name}()")
    if len(node.args) != function.series + function.windows:
        expected = f"{name}() of {function.series} series and {function.windows} windows"
        raise _refusal(place, expected, ast.unparse(node))
    series = node.args[: function.series]
    if function.windows and not all(map(_holds_a_column, series)):
        raise _refusal(place, f"{name}() of columns: a number has no rows", ast.unparse(node))
    below = max(_warm_up(part, place) for part in series)
    windows = [_window_of(part, place) for part in node.args[function.series :]]
    return below + function.warm_up(*windows)


def _window_of(node: ast.expr, place: str) -> int:
    value = node.value if isinstance(node, ast.Constant) else None
    if type(value) is not int or not 1 <= value <= _LONGEST_WINDOW:
        expected = f"a whole number of rows from 1 to {_LONGEST_WINDOW}"
        raise _refusal(place, expected, ast.unparse(node))
    return value


def _expression(node: ast.expr, col: Col) -> pl.Expr:
    """Give the expression of a part that was read before."""
    import polars as pl

    match node:
        case ast.Constant(value=value):
            return pl.lit(float(value))  # type: ignore[arg-type]  # a number: it was read
        case ast.Name(id=name):
            return col(name).cast(pl.Float64)
        case ast.UnaryOp(operand=operand):
            return -_expression(operand, col)
        case ast.BinOp(left=left, op=op, right=right):
            made: pl.Expr = _OPERATORS[type(op)](_expression(left, col), _expression(right, col))
            return made
        case ast.Call(func=ast.Name(id=name), args=args):
            function = FUNCTIONS[name]
            series = [_expression(part, col) for part in args[: function.series]]
            return function.make(*series, *(ast.literal_eval(n) for n in args[function.series :]))
        case _:
            raise InvariantError("A formula holds what its reader refuses", found=ast.dump(node))


def _refusal(place: str, expected: str, found: str) -> ConfigurationError:
    return ConfigurationError(
        f"{place} has no formula that can be read",
        expected=expected,
        found=found,
        fix="docs/features.md lists what formulas are made of.",
    )
