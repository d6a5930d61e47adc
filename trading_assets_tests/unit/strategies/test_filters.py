"""Filters: where they say no nothing is opened, and no exit is ever stopped."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import ClassVar

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from trading_assets.domain.errors import ConfigurationError, DataError
from trading_assets.domain.ids import Month
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.setup import SignalFamily
from trading_assets.features.look_ahead import find_look_ahead
from trading_assets.features.regime import known_regimes
from trading_assets.features.warm_up import find_short_warm_up
from trading_assets.market.universe import UNIVERSE_SCHEMA
from trading_assets.strategies.ema_trend import EmaTrend
from trading_assets.strategies.evaluate import evaluate, month_signals
from trading_assets.strategies.filter_sections import FiltersSpec
from trading_assets.strategies.filtered import Filtered
from trading_assets.strategies.filters import (
    filter_columns,
    first_no,
    with_news,
    with_universe,
)
from trading_assets.strategies.inside_bar import InsideBar
from trading_assets.strategies.spec import parse_spec

FEBRUARY = Month(2024, 2)
BOTH = FiltersSpec.model_validate(
    {"volume": {"bars": 12, "min_ratio": 1.0}, "roc": {"bars": 6, "min_pct": 0.0}}
)
TEXT = """
name: mine
strategy: {strategy}
symbols: [SOLUSDT]
cash: 10000
profile: {profile}
sizing: {{mode: pct_of_equity, pos_pct: 30}}
filters: {filters}
"""


def filters(**sections):
    return FiltersSpec.model_validate(sections)


def parsed(text="{}", *, strategy="ema_trend", profile="spot_long_only"):
    return parse_spec(
        TEXT.format(strategy=strategy, profile=profile, filters=text), where="mine.yaml"
    )


def problem(text):
    with pytest.raises(ConfigurationError) as caught:
        parsed(text)
    return caught.value


@pytest.fixture
def noisy(make_bars):
    """Two months of bars whose volume moves."""
    frame = make_bars(60 * 288)
    volume = 10 + 5 * (pl.int_range(pl.len()) * 7919 % 101) / 101
    return frame.with_columns(volume=volume)


@dataclass(frozen=True)
class Steps:
    """Targets 1, 0.5, 0, none, again and again."""

    name: ClassVar[str] = "steps"
    family: ClassVar[SignalFamily] = SignalFamily.TARGET
    warm_up: ClassVar[timedelta] = timedelta()
    horizon: ClassVar[None] = None
    order_types: ClassVar[frozenset[str]] = frozenset()

    def signals(self, frame):
        place = pl.int_range(pl.len()) % 4
        target = pl.when(place < 3).then(1 - place / 2)
        return frame.select("ts", target=target, confidence=pl.when(place < 3).then(0.7))


def test_a_no_opens_nothing_and_stops_no_exit(make_bars):
    frame = make_bars(40)
    never = Filtered(Steps(), filters(roc={"bars": 1, "min_pct": 1000}))
    signals = evaluate(never, frame)[1:]
    assert set(signals["target"].drop_nulls()) == {0.0}
    assert signals.filter(target=0.0).height == 10
    assert signals.filter(target=0.0)["confidence"].to_list() == [0.7] * 10
    assert signals["confidence"].drop_nulls().len() == 10


def test_a_yes_changes_nothing(make_bars):
    frame = make_bars(40)
    always = Filtered(Steps(), filters(roc={"bars": 1, "min_pct": -1000}))
    assert_frame_equal(evaluate(always, frame)[1:], evaluate(Steps(), frame)[1:])


def test_a_no_leaves_a_bracket_row_empty(noisy):
    plain = InsideBar(min_range_bps=1.0)
    filtered = Filtered(plain, BOTH)
    whole, cut = evaluate(plain, noisy), evaluate(filtered, noisy)
    yes = filter_columns(BOTH, noisy).select(pl.all_horizontal("volume", "roc")).to_series()
    entries = whole["long_entry"].is_not_null()
    assert 50 < (entries & yes).sum() < entries.sum()
    assert_frame_equal(whole.filter(entries & yes), cut.filter(cut["long_entry"].is_not_null()))
    empty = cut.filter(~yes).drop("ts")
    assert sum(empty.null_count().row(0)) == empty.height * empty.width


def test_the_first_no_is_named_in_the_order_of_the_filters(noisy):
    verdicts = filter_columns(BOTH, noisy)
    assert verdicts.columns == ["ts", "volume", "roc"]
    reasons = first_no(verdicts)
    for volume, roc, reason in zip(verdicts["volume"], verdicts["roc"], reasons, strict=True):
        assert reason == ("volume" if not volume else None if roc else "roc")
    assert set(reasons) == {"volume", "roc", None}


def test_the_numbers_of_volume_and_change(make_bars):
    closes, volumes = [100.0, 101.0, 102.0, 101.0, 103.02], [1.0, 1.0, 1.0, 1.0, 4.0]
    frame = make_bars(5).with_columns(close=pl.Series(closes), volume=pl.Series(volumes))
    found = filter_columns(filters(volume={"bars": 4, "min_ratio": 2}), frame)["volume"]
    assert found.to_list() == [False, False, False, False, True]  # 4 against a mean of 1.75
    smooth = filters(volume={"bars": 4, "recent": 2, "min_ratio": 1.43})
    assert not filter_columns(smooth, frame)["volume"][4]  # 2.5 is 1.4286 times 1.75
    roc = filters(roc={"bars": 2, "min_pct": 0.9, "max_pct": 1.5})
    assert filter_columns(roc, frame)["roc"].to_list() == [False, False, False, False, True]


def test_a_hole_inside_the_window_is_a_no(make_bars):
    frame = make_bars(40)
    cut = pl.concat([frame[:20], frame[21:]])
    said = filter_columns(filters(roc={"bars": 3, "min_pct": -99}), cut)
    no = said.filter(~pl.col("roc"))["ts"]
    assert no.to_list() == [*frame["ts"][:3], *frame["ts"][21:24]]


def test_the_longer_memory_is_the_warm_up():
    assert Filtered(EmaTrend(fast=2, slow=3), BOTH).warm_up == EmaTrend(fast=2, slow=3).warm_up
    long = Filtered(InsideBar(), filters(volume={"bars": 300}, roc={"bars": 10, "max_pct": 1}))
    assert long.warm_up == timedelta(minutes=1500)


@pytest.mark.parametrize("strategy", [InsideBar(min_range_bps=1.0), EmaTrend(fast=5, slow=20)])
def test_filtered_signals_know_no_future_and_remember_no_more_than_their_warm_up(noisy, strategy):
    filtered = Filtered(strategy, BOTH)
    assert find_look_ahead(lambda rows: evaluate(filtered, rows), noisy[:3000]) == ()
    defects = find_short_warm_up(
        lambda rows: evaluate(filtered, rows),
        noisy,
        start=FEBRUARY.start,
        warm_up=filtered.warm_up,
        signs=("target",),
    )
    assert defects == ()


def test_live_and_batch_give_the_same_bits(noisy):
    filtered = Filtered(InsideBar(min_range_bps=1.0), BOTH)
    whole = month_signals(filtered, noisy, FEBRUARY)
    for row in (0, 1, 777, whole.height - 1):
        now = whole["ts"][row]
        live = month_signals(filtered, noisy.filter(pl.col("ts") <= now), FEBRUARY)
        assert_frame_equal(live.tail(1), whole[row], check_exact=True)


def universe(*rows):
    months = [(datetime(2024, m, 1, tzinfo=UTC), "SOLUSDT", rank, 0.0, 0.0, False, member, None)
              for m, member, rank in rows]  # fmt: skip
    return pl.DataFrame(months, schema=UNIVERSE_SCHEMA, orient="row")


def test_the_universe_of_a_bar_is_that_of_its_month(noisy):
    frame = with_universe(noisy, universe((1, True, 2), (2, True, 1)))
    second = filter_columns(filters(universe={"top": 1}), frame)
    month = second["ts"].dt.month()
    assert second.filter(month == 1)["universe"].sum() == 0
    assert second.filter(month == 2)["universe"].all()
    assert filter_columns(filters(universe={}), frame)["universe"].all()


def test_who_is_no_member_or_has_no_universe_is_not_entered(noisy):
    frame = with_universe(noisy, universe((1, False, None)))
    for declared in ({}, {"top": 5}):
        assert not filter_columns(filters(universe=declared), frame)["universe"].any()
    assert frame.columns[:-2] == noisy.columns
    assert_frame_equal(frame.select(noisy.columns), noisy)


def test_a_news_flag_says_no_from_its_first_instant_to_before_its_last(make_bars):
    frame = make_bars(12)
    begin = frame["ts"][3]
    news = [{"from": begin, "to": begin + timedelta(minutes=10), "flag": "rates"}]
    said = filter_columns(filters(news={}), with_news(frame, news))["news"]
    assert (~said).arg_true().to_list() == [3, 4]
    others = with_news(frame, news, flags=("halving",))
    assert filter_columns(filters(news={}), others)["news"].all()


def test_a_filter_without_its_columns_is_an_error(make_bars):
    for declared in ({"universe": {}}, {"news": {}}, {"regime": {}}):
        with pytest.raises(DataError, match="nothing to look at"):
            evaluate(Filtered(Steps(), filters(**declared)), make_bars(40))


def test_filters_are_part_of_the_identity_and_survive_their_yaml():
    plain, filtered = parsed(), parsed("{volume: {bars: 24, min_ratio: 1.50}, universe: {top: 2}}")
    assert plain.spec_hash != filtered.spec_hash
    assert parsed("{volume: {bars: 24, min_ratio: 1.5}, universe: {top: 2}}") == filtered
    again = parse_spec(filtered.canonical_yaml(), where="again")
    assert (again.filters, again.spec_hash) == (filtered.filters, filtered.spec_hash)
    assert filtered.filters.names == ("universe", "volume")
    assert filtered.filters.needs == ("universe",)
    assert isinstance(filtered.build_strategy(), Filtered)
    assert isinstance(plain.build_strategy(), EmaTrend)
    assert "filters" not in plain.canonical_yaml()


def test_what_has_no_meaning_is_refused():
    assert "recent below bars (3)" in problem("{volume: {bars: 3, recent: 3}}").expected
    assert "min_pct, max_pct or both" in problem("{roc: {bars: 3}}").expected
    assert "min_pct not above" in problem("{roc: {min_pct: 2, max_pct: 1}}").expected
    assert problem("{volum: {bars: 3}}").fix == "Did you mean volume?"
    assert problem("{universe: {topp: 3}}").fix == "Did you mean top?"


def test_targets_with_filters_need_an_account_that_never_reverses(decimal_sol):
    margin = parsed("{roc: {bars: 3, min_pct: 0}}", profile="margin")
    with pytest.raises(ConfigurationError, match="reversal"):
        margin.engine_setup([decimal_sol])
    parsed("{roc: {bars: 3, min_pct: 0}}").engine_setup([decimal_sol])


@pytest.fixture
def decimal_sol():
    return Instrument("SOLUSDT", "SOL", "USDT", Decimal("0.01"), Decimal("0.001"), Decimal(5))


CONFIRMED = {"bars": 6, "closes": 2}


def test_an_entry_is_confirmed_on_the_side_of_the_mean_where_the_closes_lie(noisy):
    frame = noisy.head(2000)
    both = InsideBar(min_range_bps=0, short=True)
    free = evaluate(both, frame)
    signals = evaluate(Filtered(both, filters(confirmation=CONFIRMED)), frame)
    distance = frame["close"] - frame["close"].rolling_mean(6)
    above = (distance > 0) & (distance.shift(1) > 0)
    below = (distance < 0) & (distance.shift(1) < 0)
    held = free.with_columns(above=above, below=below)[8:]

    for entry, side in (("long_entry", "above"), ("short_entry", "below")):
        expected = held.select(pl.when(pl.col(side)).then(pl.col(entry)).alias(entry))[entry]
        assert signals[entry][8:].equals(expected, null_equal=True)
        assert 5 < expected.count() < held[entry].count()
    entries = signals["long_entry"].is_not_null() | signals["short_entry"].is_not_null()
    assert (signals["valid_to"].is_not_null() == entries).all()


def test_a_target_is_confirmed_and_an_exit_needs_no_confirmation(make_bars):
    frame = make_bars(400)
    signals = evaluate(Filtered(Steps(), filters(confirmation=CONFIRMED)), frame)[8:]
    free = evaluate(Steps(), frame)[8:]
    assert signals.filter(target=0.0).height == free.filter(target=0.0).height
    assert 20 < signals.filter(pl.col("target") > 0).height < free.height / 2 - 20
    verdicts = filter_columns(filters(confirmation=CONFIRMED), frame)
    assert set(first_no(verdicts)) == {None, "confirmation"}


def test_confirmed_signals_know_no_future_and_remember_no_more_than_their_warm_up(noisy):
    strategy = Filtered(InsideBar(min_range_bps=0, short=True), filters(confirmation=CONFIRMED))
    assert find_look_ahead(lambda frame: evaluate(strategy, frame), noisy.head(3000)) == ()
    late = evaluate(strategy, noisy.slice(500, 1000))[8:]
    whole = evaluate(strategy, noisy.head(1500))[508:]
    assert_frame_equal(late, whole)


def test_volatility_is_that_of_the_newest_bars_against_the_window(noisy):
    frame = noisy.head(400)
    declared = filters(volatility={"bars": 48, "recent": 6, "min_ratio": 0.5, "max_ratio": 1.2})
    said = filter_columns(declared, frame)["volatility"]
    squares = (frame["close"].log().diff() ** 2).to_list()
    for row in (47, 48, 49, 200, 399):
        if row < 48:
            assert not said[row]
            continue
        recent, usual = (sum(squares[row + 1 - n : row + 1]) / n for n in (6, 48))
        assert said[row] == (0.5 <= (recent / usual) ** 0.5 <= 1.2)
    assert 0 < said.sum() < frame.height - 48


def test_volatility_knows_no_future_and_is_warm_after_its_window(noisy):
    filtered = Filtered(InsideBar(min_range_bps=1.0), filters(volatility={"bars": 576}))
    assert filtered.warm_up == timedelta(days=2)
    assert find_look_ahead(filtered.signals, noisy.head(4000), seed=1) == ()
    whole = month_signals(filtered, noisy, FEBRUARY)
    now = whole["ts"][777]
    live = month_signals(filtered, noisy.filter(pl.col("ts") <= now), FEBRUARY)
    assert_frame_equal(live.tail(1), whole[777], check_exact=True)


def known(frame, **probabilities):
    """Give bars with these probabilities of regimes at each."""
    columns = dict.fromkeys(("p_calm", "p_normal", "p_turbulent")) | probabilities
    return frame.with_columns(
        pl.Series(name, values or [None] * frame.height, dtype=pl.Float64)
        for name, values in columns.items()
    )


def test_an_entry_needs_the_regimes_that_are_allowed_and_one_that_is_known(make_bars):
    frame = known(make_bars(4), p_calm=[0.9, 0.5, 0.49, None], p_turbulent=[0.1, 0.5, 0.51, None])
    for declared, expected in (
        ({}, [True, True, False, False]),
        ({"allow": ["turbulent"]}, [False, True, True, False]),
        ({"min_probability": 0.9}, [True, False, False, False]),
        ({"allow": ["calm", "calm", "turbulent"]}, [True, True, True, False]),
    ):
        assert filter_columns(filters(regime=declared), frame)["regime"].to_list() == expected
    signals = evaluate(Filtered(Steps(), filters(regime={})), frame)
    free = evaluate(Steps(), frame)["target"]
    assert signals["target"].to_list() == [free[0], free[1], free[2], None]


def test_regimes_beside_a_bar_are_those_known_at_its_close(noisy):
    start = noisy["ts"][0]
    hours = pl.datetime_range(start, start + timedelta(hours=99), "1h", eager=True)
    wild = [i % 7 == 0 for i in range(100)]
    regimes = pl.DataFrame(
        {
            "ts": hours,
            "p_calm": [0.1 if w else 0.9 for w in wild],
            "p_normal": pl.Series([None] * 100, dtype=pl.Float64),
            "p_turbulent": [0.9 if w else 0.1 for w in wild],
            "regime": ["turbulent" if w else "calm" for w in wild],
        }
    )
    size = timedelta(minutes=5)
    filtered = Filtered(InsideBar(min_range_bps=1.0), filters(regime={}))

    def signals(bars):
        ended = regimes.filter(pl.col("ts") + timedelta(hours=1) <= bars["ts"][-1] + size)
        return filtered.signals(known_regimes(bars, ended, size))

    bars = noisy.head(99 * 12)
    assert find_look_ahead(signals, bars, seed=2) == ()
    assert_frame_equal(signals(bars), filtered.signals(known_regimes(bars, regimes, size)))


def test_regime_and_volatility_leave_the_hash_of_older_specs_as_it_was():
    older = parsed("{volume: {bars: 24, min_ratio: 1.5}, universe: {top: 2}}")
    assert older.spec_hash == "2194bd9b468208eae345192e4631221045e525d74214f40e914c973dc6495d2d"
    newer = parsed("{volume: {bars: 24, min_ratio: 1.5}, universe: {top: 2}, regime: {}}")
    assert newer.spec_hash != older.spec_hash
    assert newer.filters.names == ("universe", "volume", "regime")
    assert newer.filters.needs == ("universe", "regime")
    assert "recent below bars (3)" in problem("{volatility: {bars: 3, recent: 3}}").expected
    assert "min_ratio below" in problem("{volatility: {min_ratio: 2, max_ratio: 2}}").expected
    assert "allow" in str(problem("{regime: {allow: [wild]}}"))
