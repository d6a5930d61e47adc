"""The shipped rules by hand, and what holds for every one: no future, and warm-up is all memory."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.setup import SignalFamily
from trading_assets.features.look_ahead import find_look_ahead
from trading_assets.strategies.channel_breakout import ChannelBreakout
from trading_assets.strategies.ema_trend import EmaTrend
from trading_assets.strategies.evaluate import evaluate
from trading_assets.strategies.forecast_driven import ForecastDriven
from trading_assets.strategies.inside_bar import InsideBar
from trading_assets.strategies.inside_bar_breakout import InsideBarBreakout
from trading_assets.strategies.marubozu_breakout import MarubozuBreakout
from trading_assets.strategies.mean_reversion import MeanReversion
from trading_assets.strategies.registry import registry
from trading_assets.strategies.spec import load_spec

START = datetime(2024, 1, 1, tzinfo=UTC)
EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
EVERY = (
    InsideBar(min_range_bps=0, short=True),
    InsideBarBreakout(min_range_bps=0, short=True),
    MarubozuBreakout(body_pct=60, range_ratio=1, min_range_bps=0, short=True),
    ChannelBreakout(12, 6),
    ChannelBreakout(12, 6, short=True),
    MeanReversion(24, short=True),
    EmaTrend(3, 9, short=True),
    ForecastDriven(short=True),
)


def frame(*rows, missing=()):
    """Bars (open, high, low, close) of five minutes."""
    return pl.DataFrame(
        [
            {"ts": START + timedelta(minutes=5 * i), "open": o, "high": h, "low": low, "close": c}
            for i, (o, h, low, c) in enumerate(rows)
            if i not in missing
        ],
        schema_overrides={"ts": pl.Datetime("us", "UTC")},
    )


def closes(*values, missing=()):
    return frame(*[(c, c + 0.5, c - 0.5, c) for c in values], missing=missing)


def with_a_forecast(bars):
    moved = pl.col("close").pct_change().fill_null(0.0)
    return bars.with_columns(prediction=moved, confidence=pl.lit(0.7))


def test_the_list_names_every_shipped_strategy():
    assert {type(strategy) for strategy in EVERY} == set(registry().values())


@pytest.mark.parametrize("strategy", EVERY, ids=lambda s: f"{s.name}-{getattr(s, 'short', '')}")
def test_no_column_knows_the_future_and_every_column_speaks(make_bars, strategy):
    bars = with_a_forecast(make_bars(1500, seed=4))
    signals = evaluate(strategy, bars)
    speaks = [name for name in signals.columns if signals[name].null_count() < 1490]
    assert find_look_ahead(lambda cut: evaluate(strategy, cut), bars) == ()
    assert {"target", "long_entry"} & set(speaks)
    if strategy.family is SignalFamily.BRACKET:
        assert len(speaks) == 8


@pytest.mark.parametrize("strategy", EVERY, ids=lambda s: f"{s.name}-{getattr(s, 'short', '')}")
def test_bars_before_the_warm_up_change_nothing(make_bars, strategy):
    bars = with_a_forecast(make_bars(1500, seed=5))
    late = bars.slice(700)
    whole = evaluate(strategy, bars).slice(700)
    warm = evaluate(strategy, late)
    first = int(strategy.warm_up / timedelta(minutes=5))
    for name in whole.columns[1:]:
        left, right = whole[name][first:], warm[name][first:]
        assert left.is_null().equals(right.is_null()), name
        assert (left - right).abs().max() in (None, pytest.approx(0, abs=1e-6)), name


def test_a_channel_is_broken_by_a_close_beyond_the_bars_before_it():
    bars = closes(10, 11, 12, 11, 12.6, 11, 10.4, 12)
    signals = ChannelBreakout(3, 2).signals(bars)
    assert signals["target"].to_list() == [None, None, None, None, 1.0, None, 0.0, None]
    assert signals["stop_distance"][4] == pytest.approx(12.6 - 10.5)


def test_a_channel_that_goes_short_reverses_at_the_longer_channel():
    bars = closes(10, 11, 12, 11, 12.6, 11, 10.4, 9.8)
    signals = ChannelBreakout(3, 2, short=True).signals(bars)
    assert signals["target"].to_list()[4:] == [1.0, None, -1.0, -1.0]
    assert signals["stop_distance"][6] == pytest.approx(13.1 - 10.4)


def test_there_is_no_channel_and_no_mean_across_a_hole():
    values = (10, 11, 12, 11, 20, 30, 40, 50)
    holed = closes(*values, missing=(3,))
    assert ChannelBreakout(3, 2).signals(holed)["target"].to_list()[:6] == [None] * 6
    assert ChannelBreakout(3, 2).signals(holed)["target"][6] == 1.0
    assert MeanReversion(3, 1.0).signals(holed)["target"].to_list()[:5] == [
        None,
        None,
        0.0,
        None,
        None,
    ]


def test_far_below_the_mean_is_bought_and_near_it_sold():
    # Deviations of the last: (9 - mean 9.75) / 0.433 = -1.73; then -0.5 exactly at the band.
    bars = closes(10, 10, 10, 9, 9.9, 10)
    long_only = MeanReversion(4, entry_z=1.5, exit_z=0.5)
    assert long_only.signals(bars)["target"].to_list() == [None, None, None, 1.0, 0.0, 0.0]
    mirrored = closes(10, 10, 10, 11)
    assert MeanReversion(4, 1.5, short=True).signals(mirrored)["target"][3] == -1.0
    assert long_only.signals(mirrored)["target"][3] == 0.0


def test_a_price_that_does_not_move_has_no_z_score():
    assert MeanReversion(4).signals(closes(*[10.1] * 8))["target"].null_count() == 8


USUAL = (100.0, 100.5, 99.5, 100.0)


def test_a_marubozu_is_bought_beyond_its_high_with_its_low_as_the_stop():
    rule = MarubozuBreakout(bars=2, tick=0.5, body_pct=80, reward_risk=2, life_bars=3)
    row = rule.signals(frame(USUAL, USUAL, (100.0, 104.0, 100.0, 104.0))).row(2, named=True)
    assert (row["long_entry"], row["sl_long"], row["tp_long"]) == (104.5, 99.5, 114.5)
    assert row["short_entry"] is None
    assert row["valid_to"] == (START + timedelta(minutes=25)).timestamp() * 1e6


@pytest.mark.parametrize(
    "bar",
    [
        (100.0, 106.0, 100.0, 104.0),  # a long wick
        (100.0, 101.0, 100.0, 101.0),  # no larger than usual
        (104.0, 104.0, 100.0, 100.0),  # falling, and shorts are not allowed
        (100.0, 100.0, 100.0, 100.0),  # no range at all
    ],
)
def test_other_bars_are_no_marubozu(bar):
    rule = MarubozuBreakout(bars=2, tick=0.5, body_pct=80)
    assert rule.signals(frame(USUAL, USUAL, bar))["valid_to"][2] is None


def test_an_inside_bar_breakout_lives_over_the_end_of_the_day():
    rule = InsideBarBreakout(tick=0.5, inside_bars=2, life_bars=500, max_range_bps=1000)
    inside = (100.0, 101.0, 99.5, 100.0)
    bars = frame((100.0, 102.0, 98.0, 100.0), inside, inside, (100.0, 103.0, 99.5, 100.0))
    signals = rule.signals(bars)
    assert signals["long_entry"].to_list() == [None, None, 102.5, None]
    assert (signals["sl_long"][2], signals["tp_long"][2]) == (97.5, 102.5 + 3 * 5.0)
    assert signals["valid_to"][2] == (START + timedelta(minutes=5 * 502)).timestamp() * 1e6


@pytest.mark.parametrize(
    "make",
    [
        lambda: ChannelBreakout(10, 20),
        lambda: ChannelBreakout(0, 0),
        lambda: MeanReversion(entry_z=1.0, exit_z=1.0),
        lambda: MeanReversion(bars=2),
        lambda: MarubozuBreakout(body_pct=101),
        lambda: MarubozuBreakout(range_ratio=float("nan")),
        lambda: InsideBarBreakout(min_range_bps=30, max_range_bps=20),
        lambda: InsideBarBreakout(life_bars=0),
    ],
)
def test_parameters_without_meaning_are_refused(make):
    with pytest.raises(ConfigurationError, match="out of range"):
        make()


def test_every_example_spec_is_one():
    found = {load_spec(path).strategy for path in EXAMPLES.glob("*.yaml")}
    assert found == {
        "channel_breakout", "inside_bar_breakout", "marubozu_breakout", "mean_reversion",
    }  # fmt: skip
