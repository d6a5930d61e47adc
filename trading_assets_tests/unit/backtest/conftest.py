"""A setup of one or two symbols and bars at given minutes."""

from decimal import Decimal

import numpy as np
import polars as pl
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


@pytest.fixture(autouse=True)
def away_from_any_desk(monkeypatch, tmp_path_factory):
    """Let sweeps count in no ledger of whoever runs the tests."""
    monkeypatch.setenv("TA_HOME", str(tmp_path_factory.getbasetemp() / "no-desk"))


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


def walk(seed, n=2500):
    rng = np.random.default_rng(seed)
    close = np.round(100 * np.exp(np.cumsum(rng.normal(0, 0.004, n))), 2)
    opened = np.concatenate([[100.0], close[:-1]])
    high = np.round(np.maximum(opened, close) + rng.exponential(0.2, n), 2)
    low = np.round(np.minimum(opened, close) - rng.exponential(0.2, n), 2)
    ts = pl.Series(np.arange(n) * 300_000_000 + 1_709_251_200_000_000)
    ts = ts.cast(pl.Datetime("us", "UTC"))
    return pl.DataFrame(
        {"ts": ts, "open": opened, "high": high, "low": low, "close": close, "volume": 1.0}
    )


@pytest.fixture(scope="session")
def walks():
    """Two symbols; the second one begins later and misses a day."""
    second = walk(2).filter(~pl.int_range(pl.len()).is_between(900, 1200)).tail(-300)
    return {"AAA": walk(1), "BBB": second}
