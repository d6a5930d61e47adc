"""The setup as the compiled step reads it."""

from dataclasses import replace
from decimal import Decimal

import pytest

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import symbol_from_text
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.setup import (
    Account,
    AccountProfile,
    Costs,
    EngineSetup,
    FeeAsset,
    Limits,
    SignalFamily,
    Sizing,
    SizingMode,
)
from trading_assets.records.terms import setup_hash, terms_from_setup

BTC = Instrument(symbol_from_text("BTCUSDT"), "BTC", "USDT", Decimal("0.01"), Decimal("0.00001"))
SETUP = EngineSetup(
    (BTC,),
    Account("USDT", Decimal(10_000)),
    SignalFamily.TARGET,
    Sizing(SizingMode.FIXED, qty=Decimal("0.1"), min_qty=Decimal("0.000015")),
    Costs(Decimal(10), Decimal("7.5"), Decimal("0.005"), Decimal(1)),
)


def test_numbers_are_those_that_were_declared():
    terms = terms_from_setup(SETUP)
    parameters, grid, strategy = terms.parameters[0], terms.grids[0], terms.strategies[0]

    assert (parameters["maker"], parameters["taker"]) == (0.001, 0.00075)
    assert (parameters["slippage"], parameters["per_share"]) == (0.0001, 0.005)
    assert (grid["lot"], grid["lot_units"], strategy["fixed_lots"]) == (0.00001, 1000, 10_000)
    assert strategy["min_lots"] == 2  # rounded up: one lot would be too little


@pytest.mark.parametrize(
    ("tick", "numerator", "denominator"),
    [("0.01", 1, 100), ("0.05", 1, 20), ("0.25", 1, 4), ("1", 1, 1), ("12.5", 25, 2)],
)
def test_ticks_are_fractions_of_whole_numbers(tick, numerator, denominator):
    grid = terms_from_setup(replace(SETUP, instruments=(replace(BTC, tick=Decimal(tick)),))).grids[
        0
    ]

    assert (grid["tick_numerator"], grid["tick_denominator"]) == (numerator, denominator)
    for ticks in (1, 3, 7, 2_999_999, 3_000_123):
        price = ticks * grid["tick_numerator"] / grid["tick_denominator"]
        assert price == float(ticks * Decimal(tick))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"instruments": ()}, "needs an instrument"),
        ({"instruments": (BTC, BTC)}, "appears twice"),
        ({"account": Account("USD", Decimal(1))}, "another asset"),
        ({"account": Account("USDT", Decimal(-1))}, "Negative cash"),
        ({"costs": Costs(taker_bps=Decimal(-1))}, "taker"),
        ({"costs": Costs(taker_bps=Decimal("NaN"))}, "taker"),
        ({"limits": Limits(max_order_notional=Decimal("Infinity"))}, "max_order_notional"),
        ({"instruments": (replace(BTC, tick=Decimal("1E-17")),)}, "held exactly"),
        (
            {
                "account": Account("USDT", Decimal(1), AccountProfile.MARGIN),
                "costs": Costs(fee_asset=FeeAsset.RECEIVED),
            },
            "need a spot account",
        ),
    ],
)
def test_a_setup_that_cannot_be_held_is_refused(change, message):
    with pytest.raises(ConfigurationError, match=message):
        terms_from_setup(replace(SETUP, **change))


def test_the_hash_tells_setups_apart():
    others = [
        replace(SETUP, costs=replace(SETUP.costs, maker_bps=Decimal(11))),
        replace(SETUP, account=Account("USDT", Decimal(10_001))),
        replace(SETUP, family=SignalFamily.BRACKET),
        replace(SETUP, instruments=(replace(BTC, lot=Decimal("0.0001")),)),
    ]

    setups = [SETUP, replace(SETUP), *others]
    assert len({setup_hash(s, terms_from_setup(s)) for s in setups}) == 1 + len(others)
