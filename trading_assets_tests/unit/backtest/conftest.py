"""A setup of one or two symbols and bars at given minutes."""

from decimal import Decimal

import numpy as np
import pytest

from trading_assets.domain.bar import MINUTE
from trading_assets.domain.ids import symbol_from_text
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.setup import (
    Account,
    Costs,
    EngineSetup,
    SignalFamily,
    Sizing,
    SizingMode,
)
from trading_assets.engine.signals import BarMatrix, SignalMatrix


@pytest.fixture
def setup():
    return make_setup(1)


@pytest.fixture
def two_symbols():
    return make_setup(2)


def make_setup(symbols):
    instruments = tuple(
        Instrument(symbol_from_text(f"{n}USDT"), n, "USDT", Decimal("0.01"), Decimal("0.001"))
        for n in ("AAA", "BBB")[:symbols]
    )
    costs = Costs(taker_bps=Decimal(10), slippage_bps=Decimal(5))
    sizing = Sizing(SizingMode.FIXED, qty=Decimal(1))
    return EngineSetup(
        instruments, Account("USDT", Decimal(10_000)), SignalFamily.TARGET, sizing, costs
    )


@pytest.fixture
def bars_at():
    """Give a function: minutes of the bars, and per symbol those it misses, to a matrix."""

    def make(minutes, missing=((),)):
        ts = np.array(minutes, np.int64) * MINUTE
        close = np.array([[100.0 + m % 7 for m in minutes]] * len(missing))
        for symbol, gone in enumerate(missing):
            close[symbol, np.isin(minutes, list(gone))] = np.nan
        columns = [close, close + 0.5, close - 0.5, close]
        return BarMatrix(ts, *[np.ascontiguousarray(c) for c in columns], np.ones(close.shape))

    return make


@pytest.fixture
def targets():
    """Give a function: bars and {minute: target} per symbol, to signals."""

    def make(bars, *wishes):
        values = np.full((bars.symbols, len(bars), 3), np.nan)
        for symbol, by_minute in enumerate(wishes):
            for minute, target in by_minute.items():
                values[symbol, np.searchsorted(bars.ts, minute * MINUTE), 0] = target
        return SignalMatrix(SignalFamily.TARGET, values)

    return make
