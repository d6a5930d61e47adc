"""A small market for the trading machine: bars written as rows, signals as lists."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from trading_assets.domain.ids import symbol_from_text
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.setup import (
    Account,
    AccountProfile,
    Costs,
    EngineSetup,
    FillRules,
    Limits,
    SignalFamily,
    Sizing,
    SizingMode,
)
from trading_assets.engine.machine import Machine
from trading_assets.engine.signals import COLUMNS, BarMatrix, SignalMatrix

STEP = 300_000_000

Row = tuple[float, ...] | None


@dataclass
class Market:
    """Bars of one or more symbols, a setup, and ways to run them."""

    setup: EngineSetup
    bars: BarMatrix
    signals: SignalMatrix

    def machine(self, stop: int | None = None) -> Machine:
        machine = Machine(self.setup)
        machine.run(self.bars, self.signals, 0, stop)
        return machine

    def then(self, machine: Machine, start: int, stop: int | None = None) -> Machine:
        machine.run(self.bars, self.signals, start, stop)
        return machine


def matrix(symbols: Sequence[Sequence[Row]]) -> BarMatrix:
    """Make bars from rows of (open, high, low, close) and a volume, else 1; None is no bar."""
    nan = (np.nan,) * 5
    whole = [[nan if r is None else (*r, 1.0)[:5] for r in rows] for rows in symbols]
    values = np.array(whole, np.float64)
    columns = [np.ascontiguousarray(values[:, :, i]) for i in range(5)]
    return BarMatrix(np.arange(1, values.shape[1] + 1) * STEP, *columns)


def instrument(name: str = "AAAUSDT", **changes: Any) -> Instrument:
    fields = {"tick": Decimal("0.01"), "lot": Decimal("0.001"), **changes}
    return Instrument(symbol_from_text(name), name.removesuffix("USDT"), "USDT", **fields)


@pytest.fixture
def market() -> Callable[..., Market]:
    """Give a function that builds a market.

    Keywords: `rows` (one symbol) or `symbols` (several), `signals` (bar index -> columns by name,
    or a list of such), `cash`, `margin`, `costs`, `sizing`, `limits`, `rules`, `grid`.
    """

    def build(
        rows: Sequence[Row] = (),
        *,
        symbols: Sequence[Sequence[Row]] = (),
        signals: Any = None,
        family: SignalFamily = SignalFamily.TARGET,
        cash: str = "10000",
        margin: bool = False,
        grid: dict[str, Any] | None = None,
        sizing: Sizing | None = None,
        costs: Costs | None = None,
        limits: Limits | None = None,
        rules: FillRules | None = None,
    ) -> Market:
        symbols = symbols or [rows]
        bars = matrix(symbols)
        names = [f"{letter * 3}USDT" for letter in "ABCDEFGH"[: len(symbols)]]
        setup = EngineSetup(
            instruments=tuple(instrument(name, **(grid or {})) for name in names),
            account=Account(
                "USDT",
                Decimal(cash),
                AccountProfile.MARGIN if margin else AccountProfile.SPOT_LONG_ONLY,
            ),
            family=family,
            sizing=sizing or Sizing(SizingMode.FIXED, qty=Decimal(1)),
            costs=costs or Costs(),
            limits=limits or Limits(),
            rules=rules or FillRules(),
        )
        columns = COLUMNS[family]
        values = np.full((len(symbols), len(bars), len(columns)), np.nan)
        per_symbol = signals if isinstance(signals, list) else [signals or {}]
        for symbol, by_bar in enumerate(per_symbol):
            for t, row in by_bar.items():
                for name, value in row.items():
                    values[symbol, t, columns.index(name)] = value
        return Market(setup, bars, SignalMatrix(family, values))

    return build


@pytest.fixture
def flat() -> Callable[[int, float], list[Row]]:
    """Give a function that makes `n` bars without movement."""
    return lambda n, price=100.0: [(price, price, price, price)] * n


@pytest.fixture
def changed() -> Callable[..., EngineSetup]:
    """Give `dataclasses.replace` under a name that reads well in tests."""
    return replace
