"""Random markets for comparing ways to run the same machine."""

import dataclasses
from decimal import Decimal

import numpy as np
import pytest

from trading_assets.domain.ids import symbol_from_text
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.order import TrailBy
from trading_assets.domain.setup import (
    Account,
    AccountProfile,
    Costs,
    EngineSetup,
    FeeAsset,
    FillRules,
    SignalFamily,
    Sizing,
    SizingMode,
)
from trading_assets.engine.signals import BarMatrix, SignalMatrix
from trading_assets_tests.stand_ins.asked import ACTIONS, Restless

STEP = 300_000_000


def random_bars(seed, symbols, length):
    """Walks on a grid of cents; about 3 % of the bars of each symbol are missing."""
    rng = np.random.default_rng(seed)
    close = np.round(100 * np.exp(np.cumsum(rng.normal(0, 0.01, (symbols, length)), axis=1)), 2)
    before = np.concatenate([np.full((symbols, 1), 100.0), close[:, :-1]], axis=1)
    opened = np.round(before * (1 + rng.normal(0, 0.002, close.shape)), 2)
    spread = np.abs(rng.normal(0, 0.006, (2, symbols, length)))
    high = np.round(np.maximum(opened, close) * (1 + spread[0]), 2)
    low = np.round(np.minimum(opened, close) * (1 - spread[1]), 2)
    volume = np.round(rng.exponential(40.0, close.shape), 3)
    volume[rng.random(close.shape) < 0.05] = 0.0
    columns = [opened, high, low, close, volume]
    missing = rng.random(close.shape) < 0.03
    for column in columns:
        column[missing] = np.nan
    return BarMatrix(np.arange(1, length + 1, dtype=np.int64) * STEP, *columns)


def random_signals(seed, family, bars):
    rng = np.random.default_rng(seed + 1)
    shape = bars.close.shape
    if family is SignalFamily.TARGET:
        values = np.full((*shape, 3), np.nan)
        spoken = rng.random(shape) < 0.2
        values[..., 0][spoken] = rng.choice([-1.0, -0.5, 0.0, 0.5, 1.0], spoken.sum())
        values[..., 1] = 2.0
        return SignalMatrix(family, values)
    if family is SignalFamily.ON_BAR:
        values = np.full((*shape, 1), np.nan)
        spoken = rng.random(shape) < 0.5
        values[..., 0][spoken] = rng.integers(0, ACTIONS, spoken.sum())
        return SignalMatrix(family, values)
    close = np.where(np.isnan(bars.close), 100.0, bars.close)
    width = np.round(close * rng.uniform(0.002, 0.02, shape), 2)
    life = rng.integers(1, 40, shape) * STEP
    columns = [
        close + width,
        close - width,
        close - width,
        close + width,
        close + 3 * width,
        close - 3 * width,
        (bars.ts + life).astype(np.float64),
    ]
    values = np.stack([np.broadcast_to(c, shape) for c in columns], axis=-1).copy()
    values[rng.random(shape) < 0.7] = np.nan
    return SignalMatrix(family, values)


def _rich_costs(costs, *, margin):
    """Costs that look at volume, past bars and nights."""
    more = {"half_spread_bps": Decimal(1), "impact_bps": Decimal(30), "sqrt_impact": Decimal("0.3")}
    if margin:
        more |= {"minimum_fee": Decimal("0.5"), "swap_long_bps": Decimal(2)}
        more |= {"swap_short_bps": Decimal(-1), "borrow_bps": Decimal(3)}
    return dataclasses.replace(costs, **more)


def _rich_rules(family):
    trail = TrailBy.EXTREME if family is SignalFamily.BRACKET else TrailBy.NOTHING
    return FillRules(participation_pct=Decimal(20), trailing_stop=trail)


@pytest.fixture
def world():
    """Give a function that makes (setup, bars, signals) from a seed."""

    def make(seed, family, *, symbols=3, length=400, margin=True, rich=False):
        bars = random_bars(seed, symbols, length)
        instruments = tuple(
            Instrument(
                symbol_from_text(f"{name}USDT"), name, "USDT", Decimal("0.01"), Decimal("0.001"),
                min_notional=Decimal(5),
            )
            for name in ("AAA", "BBB", "CCC", "DDD")[:symbols]
        )  # fmt: skip
        setup = EngineSetup(
            instruments,
            Account(
                "USDT",
                Decimal(10_000),
                AccountProfile.MARGIN if margin else AccountProfile.SPOT_LONG_ONLY,
            ),
            family,
            Sizing(SizingMode.PCT_OF_EQUITY, pos_pct=Decimal(30), rebalance_pct=Decimal(5)),
            Costs(
                Decimal(1),
                Decimal("7.5"),
                slippage_bps=Decimal(1),
                fee_asset=FeeAsset.QUOTE if margin else FeeAsset.RECEIVED,
            ),
            decider=Restless() if family is SignalFamily.ON_BAR else None,
        )
        if rich:
            setup = dataclasses.replace(
                setup, costs=_rich_costs(setup.costs, margin=margin), rules=_rich_rules(family)
            )
        return setup, bars, random_signals(seed, family, bars)

    return make
