"""What may be assumed, how it is refused, and what it makes of a spec."""

from decimal import Decimal

import pytest

from trading_assets.domain.errors import ConfigurationError
from trading_assets.settings import load_settings
from trading_assets.strategies.spec import parse_spec
from trading_assets.workflows.assumptions import assume

GATE = load_settings({"TA_HOME": "/nowhere"}).settings.gate


def spec_of(costs):
    text = f"""
name: one
strategy: ema_trend
symbols: [BTCUSDT]
cash: 1000
sizing: {{mode: pct_of_equity, pos_pct: 30}}
costs: {costs}
"""
    return parse_spec(text, where="test")


def costs_under(costs, **said):
    return assume(GATE, **said).spec(spec_of(costs)).costs


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({}, "Nothing is assumed otherwise"),
        ({"fees_bps": "-1"}, "fees_bps is not such a number; expected a number, not below 0"),
        ({"slippage_x": "-0.1"}, "slippage_x is not such a number"),
        ({"fees_x": "nan"}, "fees_x is not such a number"),
        ({"fees_x": "inf"}, "fees_x is not such a number"),
        ({"cash": "much"}, "cash is not such a number"),
        ({"cash": "0"}, "No cash"),
        ({"others": ["gate.max_pob=0.1"]}, "Did you mean gate.max_pbo?"),
        ({"others": ["gate.max_pbo=2"]}, "gate: max_pbo"),
        ({"others": ["gate.min_trades=1.5"]}, "gate: min_trades"),
        ({"others": ["gate.max_pbo"]}, "Not something that can be assumed"),
        ({"others": ["max_pbo=0.1"]}, "gate.<threshold>=<number> or costs.<key>=<number>"),
        ({"others": ["params.fast=7"]}, "are tries: backtest such a spec, which is counted"),
        ({"others": ["sizing.pos_pct=7"]}, "are tries"),
        ({"others": ["costs.fee=1"]}, "There is no costs.fee"),
        ({"others": ["costs.per_fill=-1"]}, "costs: per_fill"),
        ({"others": ["costs.fee_asset=gold"]}, "costs: fee_asset"),
        ({"others": ["gate.max_pbo=0.1", "gate.max_pbo=0.2"]}, "is set twice"),
        ({"fees_bps": "1", "others": ["costs.taker_bps=2"]}, "Fees are said twice"),
        ({"others": ["costs.fees_bps=1", "costs.taker_bps=2"]}, "either fees_bps, or maker_bps"),
    ],
)
def test_what_cannot_be_assumed_is_refused_in_words(said, message):
    with pytest.raises(ConfigurationError) as caught:
        assume(GATE, **said)
    assert message in str(caught.value)


def test_fees_are_set_where_the_spec_has_them():
    assert costs_under("{fees_bps: 2}", fees_bps="10").fees_bps == 10
    apart = costs_under("{maker_bps: 1, taker_bps: 3}", fees_bps="10")
    assert (apart.maker_bps, apart.taker_bps, apart.fees_bps) == (10, 10, None)
    one = costs_under("{fees_bps: 2}", others=["costs.maker_bps=0"])
    assert (one.maker, one.taker) == (0, 2)
    both = costs_under("{maker_bps: 1, taker_bps: 3}", others=["costs.fees_bps=5"])
    assert (both.maker, both.taker) == (5, 5)


def test_multiples_follow_what_was_set():
    found = costs_under(
        "{fees_bps: 2, slippage_bps: 1, sqrt_impact: 0.5, per_fill: 1}",
        fees_bps="10",
        fees_x="2",
        slippage_x="3",
        others=["costs.half_spread_bps=4"],
    )
    assert (found.taker, found.per_fill) == (20, 2)
    assert (found.slippage_bps, found.half_spread_bps) == (3, 12)
    assert found.sqrt_impact == Decimal("1.5")


@pytest.mark.parametrize(
    "said",
    [
        {"fees_bps": "2.0"},
        {"fees_x": "1", "slippage_x": "1.00"},
        {"slippage_x": "3"},  # of nothing
        {"cash": "1000"},
        {"others": ["costs.maker_bps=2", "costs.taker_bps=2"]},
        {"others": ["gate.max_pbo=0"]},
    ],
)
def test_a_spec_that_comes_out_as_it_did_is_left_alone(said):
    spec = spec_of("{fees_bps: 2}")
    assert assume(GATE, **said).spec(spec) is spec


def test_cash_is_another_spec():
    changed = assume(GATE, cash="500").spec(spec_of("{fees_bps: 2}"))
    assert changed.cash == 500
    assert (
        changed.spec_hash
        == spec_of("{fees_bps: 2}").model_copy(update={"cash": Decimal(500)}).spec_hash
    )


def test_thresholds_are_laid_over_the_recorded_ones():
    assumed = assume(GATE, others=["gate.max_pbo=0.1", "gate.min_trades=7"])
    recorded = {**GATE.model_dump(), "max_spa_p": 0.05}
    found = assumed.thresholds(recorded)
    assert found == {**recorded, "max_pbo": 0.1, "min_trades": 7}
    assert isinstance(found["min_trades"], int)
    assert not assumed.reach_runs
