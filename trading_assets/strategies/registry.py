"""Strategies by name, and by import path for those that users write."""

from __future__ import annotations

import difflib
import typing
from collections.abc import Callable, Hashable, Mapping
from datetime import timedelta
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from trading_assets.domain.errors import ConfigurationError
from trading_assets.strategies.channel_breakout import ChannelBreakout
from trading_assets.strategies.ema_trend import EmaTrend
from trading_assets.strategies.forecast_driven import ForecastDriven
from trading_assets.strategies.inside_bar import InsideBar
from trading_assets.strategies.inside_bar_breakout import InsideBarBreakout
from trading_assets.strategies.marubozu_breakout import MarubozuBreakout
from trading_assets.strategies.mean_reversion import MeanReversion
from trading_assets.strategies.protocol import (
    BAR_SIZE,
    BASE_BAR,
    Strategy,
    parameters,
    takes_bar_size,
)
from trading_assets.strategies.sources import imported_class

_SHIPPED: tuple[type[Any], ...] = (
    InsideBar,
    InsideBarBreakout,
    MarubozuBreakout,
    ChannelBreakout,
    MeanReversion,
    EmaTrend,
    ForecastDriven,
)
_STRATEGIES: dict[str, type[Any]] = {cls.name: cls for cls in _SHIPPED}


def registry() -> Mapping[str, Callable[..., Strategy]]:
    """Give the shipped strategies: name to class."""
    return dict(_STRATEGIES)


def strategy_class(reference: str, *, where: str = "") -> type[Any]:
    """Find a strategy by registered name, or by import path (see `sources`).

    Raises:
        ConfigurationError: if there is none, or what is there is no frozen dataclass; `where`
            names the file that asks.
    """
    prefix = f"{where}: " if where else ""
    if ":" in reference:
        return imported_class(reference, where=where)
    if reference in _STRATEGIES:
        return _STRATEGIES[reference]
    close = difflib.get_close_matches(reference, _STRATEGIES, n=1)
    raise ConfigurationError(
        f"{prefix}unknown strategy",
        expected=f"one of {', '.join(sorted(_STRATEGIES))}, or module:Class",
        found=repr(reference),
        fix=f"Did you mean {close[0]}?" if close else "",
    )


def make_strategy(
    reference: str,
    params: Mapping[str, Any],
    *,
    where: str = "",
    kind: type[Any] | None = None,
    bar_size: timedelta = BASE_BAR,
) -> Strategy:
    """Build a strategy from plain values.

    Args:
        reference: see `strategy_class`.
        params: field name to value; fields left out keep their default.
        where: file that the values come from, for messages.
        kind: the class that `reference` names, when it has been found before.
        bar_size: of the bars that it will see.

    Raises:
        ConfigurationError: for an unknown strategy or parameter, or a value it does not accept,
            naming the place, the key, what was expected and what was found.
    """
    cls = kind or strategy_class(reference, where=where)
    prefix = f"{where}: " if where else ""
    fields = _types(typing.cast("Hashable", cls))
    for key in params:
        if key not in fields:
            close = difflib.get_close_matches(key, fields, n=1)
            raise ConfigurationError(
                f"{prefix}params.{key} is not a parameter of {reference}",
                expected=f"one of {', '.join(fields)}",
                found=key,
                fix=f"Did you mean {close[0]}?" if close else "Remove the key.",
            )
    values = {
        key: _checked(fields[key], value, f"{prefix}params.{key}") for key, value in params.items()
    }
    if bar_size != BASE_BAR:
        _require_sized(cls, reference, prefix)
        values[BAR_SIZE] = bar_size
    try:
        strategy = cls(**values)
    except TypeError as error:
        raise ConfigurationError(
            f"{prefix}params of {reference} are incomplete", found=str(error)
        ) from None
    except ConfigurationError as error:
        raise ConfigurationError(
            f"{prefix}params of {reference}: {error.what}",
            expected=error.expected,
            found=error.found,
            fix=error.fix,
        ) from None
    if not isinstance(strategy, Strategy):
        raise ConfigurationError(
            f"{prefix}{reference} is not a strategy",
            expected="name, family, warm_up, horizon, order_types and signals(frame)",
            found=repr(cls),
            fix="See trading_assets/strategies/protocol.py.",
        )
    return strategy


def _require_sized(cls: type[Any], reference: str, prefix: str) -> None:
    if not takes_bar_size(cls):
        raise ConfigurationError(
            f"{prefix}{reference} trades bars of five minutes only",
            expected="a strategy with a field `bar_size`, since bar_size is not 5m",
            found=f"fields {', '.join(field.name for field in parameters(cls)) or 'none'}",
            fix="Derive it from TargetStrategy, BracketStrategy or AskedStrategy, or give it "
            "`bar_size: timedelta = timedelta(minutes=5)`, and count bars by it.",
        )


@cache
def _types(cls: Any) -> Mapping[str, TypeAdapter[Any]]:
    """Give what checks each parameter; made once for a class, since graphs read many specs."""
    hints = typing.get_type_hints(cls)
    return {f.name: TypeAdapter(hints[f.name]) for f in parameters(cls)}


def _checked(said: TypeAdapter[Any], value: Any, where: str) -> Any:
    try:
        return said.validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ConfigurationError(
            where,
            expected=first["msg"].removeprefix("Value error, "),
            found=repr(value)[:120],
        ) from None
