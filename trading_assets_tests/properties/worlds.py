"""Random bars, setups and wishes: every strategy family, alone and on one account with others."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
from hypothesis import strategies as st

from trading_assets.domain.bar import DAY
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
    PortfolioSetup,
    SignalFamily,
    Sizing,
    SizingMode,
    StrategySetup,
)
from trading_assets.engine.signals import BarMatrix, SignalMatrix, together
from trading_assets_tests.stand_ins.asked import ACTIONS, Restless

STEP = DAY // 8
BPS = st.sampled_from([Decimal(0), Decimal(1), Decimal("7.5"), Decimal(100)])
TARGETS = st.one_of(st.none(), st.sampled_from([-1.0, -0.3, 0.0, 0.3, 0.7, 1.0]))


@st.composite
def bar_rows(draw, low=2, high=40):
    """Bars as ticks and a volume: (open, high, low, close, volume) around 100.00, some missing."""
    rows = []
    price = 10_000
    for _ in range(draw(st.integers(low, high))):
        if draw(st.integers(0, 19)) == 0 and rows:
            rows.append(None)
            continue
        opened = max(price + draw(st.integers(-300, 300)), 500)
        close = max(opened + draw(st.integers(-300, 300)), 500)
        top = max(opened, close) + draw(st.integers(0, 200))
        bottom = min(opened, close) - draw(st.integers(0, 200))
        volume = draw(st.sampled_from([0.0, 1.0, 6.0, 80.0]))
        rows.append((opened, top, max(bottom, 1), close, volume))
        price = close
    return rows


def matrix(rows):
    """Give the bars of one symbol."""
    nan = [np.nan] * 5
    values = np.array([nan if r is None else [*(x / 100 for x in r[:4]), r[4]] for r in rows])
    columns = [np.ascontiguousarray(values[None, :, i]) for i in range(5)]
    return BarMatrix(np.arange(1, len(rows) + 1, dtype=np.int64) * STEP, *columns)


@st.composite
def costs(draw, *, margin):
    """Every model of price and fee, each of them off as often as not."""
    fee_asset = FeeAsset.QUOTE if margin else draw(st.sampled_from(list(FeeAsset)))
    found = Costs(draw(BPS), draw(BPS), slippage_bps=draw(BPS), fee_asset=fee_asset)
    if draw(st.booleans()):
        found = replace(
            found, half_spread_bps=draw(BPS), impact_bps=draw(BPS),
            sqrt_impact=draw(st.sampled_from([Decimal(0), Decimal("0.4")])),
        )  # fmt: skip
    if fee_asset is FeeAsset.QUOTE and draw(st.booleans()):
        fees = st.sampled_from([Decimal(0), Decimal("0.2")])
        found = replace(
            found, minimum_fee=draw(fees) * 4, per_share=draw(fees), per_fill=draw(fees)
        )
    if margin and draw(st.booleans()):
        found = replace(
            found, swap_long_bps=draw(BPS), swap_short_bps=-draw(BPS), borrow_bps=draw(BPS)
        )
    return found


@st.composite
def accounts(draw):
    """Spot, margin without a margin call, and margin that may be called."""
    kind = draw(st.sampled_from(["spot", "margin", "leverage"]))
    profile = AccountProfile.SPOT_LONG_ONLY if kind == "spot" else AccountProfile.MARGIN
    account = Account("USDT", Decimal(10_000), profile)
    if kind == "leverage":
        account = replace(
            account, leverage=Decimal(draw(st.sampled_from([1, 4]))),
            maintenance_pct=Decimal(draw(st.sampled_from([0, 20]))),
        )  # fmt: skip
    return account


SIZINGS = st.sampled_from(
    [
        Sizing(SizingMode.FIXED, qty=Decimal(3)),
        Sizing(SizingMode.PCT_OF_EQUITY, pos_pct=Decimal(40)),
        Sizing(SizingMode.RISK, risk_pct=Decimal(1), max_pos_pct=Decimal(50)),
    ]
)
RULES = st.builds(
    FillRules,
    exits_in_entry_bar=st.booleans(),
    limit_needs_through=st.booleans(),
    participation_pct=st.sampled_from([Decimal(0), Decimal(0), Decimal(25), Decimal(100)]),
)


@st.composite
def strategies(draw, family, tag, instrument, rules):
    """One strategy of a family; the stops of brackets and of asked entries may trail."""
    trail = TrailBy.NOTHING if family is SignalFamily.TARGET else draw(st.sampled_from(TrailBy))
    return StrategySetup(
        tag, (instrument,), family, draw(SIZINGS), replace(rules, trailing_stop=trail),
        decider=Restless() if family is SignalFamily.ON_BAR else None,
    )  # fmt: skip


@st.composite
def setups(draw, family=SignalFamily.TARGET):
    """One strategy of a family on an account of its own."""
    lot = draw(st.sampled_from(["0.00000001", "0.001", "1"]))
    instrument = Instrument(
        symbol_from_text("AAAUSDT"), "AAA", "USDT", Decimal("0.01"), Decimal(lot)
    )
    account, rules = draw(accounts()), draw(RULES)
    one = draw(strategies(family, "one", instrument, rules))
    margin = account.profile is AccountProfile.MARGIN
    return EngineSetup(
        (instrument,), account, family, one.sizing, draw(costs(margin=margin)), rules=one.rules,
        decider=one.decider, tag=one.tag,
    )  # fmt: skip


@st.composite
def portfolios(draw):
    """Two or three strategies of any families on one account and one instrument."""
    base = draw(setups())
    families = draw(st.lists(st.sampled_from(list(SignalFamily)), min_size=2, max_size=3))
    members = [
        draw(strategies(family, f"s{place}", base.instruments[0], base.rules))
        for place, family in enumerate(families)
    ]
    part = Decimal(100 // len(members))
    return PortfolioSetup(
        base.account, tuple(replace(m, allocation_pct=part) for m in members), base.costs,
        rules=base.rules,
    )  # fmt: skip


@st.composite
def wishes(draw, family, rows, bars):
    """Columns of a strategy of a family."""
    if family is SignalFamily.TARGET:
        values = np.full((1, len(rows), 3), np.nan)
        said = draw(st.lists(TARGETS, min_size=len(rows), max_size=len(rows)))
        values[0, :, 0] = [np.nan if w is None else w for w in said]
        values[0, :, 1] = 2.0
    elif family is SignalFamily.ON_BAR:
        number = st.integers(-1, ACTIONS - 1)
        said = draw(st.lists(number, min_size=len(rows), max_size=len(rows)))
        values = np.array([[[np.nan if w < 0 else float(w)] for w in said]])
    else:
        values = np.full((1, len(rows), 7), np.nan)
        for t, row in enumerate(rows):
            if row is not None and draw(st.booleans()):
                width = draw(st.integers(1, 300))
                close = row[3]
                ticks = [close + width, close - width, close - width, close + width]
                values[0, t, :4] = [max(x, 1) / 100 for x in ticks]
                values[0, t, 4:6] = [(close + 3 * width) / 100, np.nan]
                values[0, t, 6] = bars.ts[t] + draw(st.integers(1, 12)) * STEP
    return SignalMatrix(family, values)


@st.composite
def runs(draw):
    """A setup of any family or of several together, random bars, and signals for them."""
    setup = draw(st.one_of(*(setups(family) for family in SignalFamily), portfolios()))
    rows = draw(bar_rows())
    bars = matrix(rows)
    said = [draw(wishes(strategy.family, rows, bars)) for strategy in setup.strategies]
    return setup, bars, together(said)
