"""The universe of a month: nothing but the past decides, and everybody left out has a reason."""

from dataclasses import replace

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from trading_assets.domain.bar import DAY
from trading_assets.domain.ids import Month, Symbol
from trading_assets.market.bar_frame import TS
from trading_assets.market.universe import (
    UNIVERSE_SCHEMA,
    Candidate,
    UniverseRules,
    look_back_start,
    universe_of,
)

MARCH = Month(2024, 3)
RULES = UniverseRules()
START = look_back_start(MARCH, RULES)


def daily(
    volume: float = 1e6, *, first: int = -60, last: int = 30, drift: float = 0.0
) -> pl.DataFrame:
    """Daily bars from `first` to `last`, both days counted from the first of March."""
    days = range(first, last + 1)
    close = [100.0 * (1 + drift) ** day for day in days]
    return pl.DataFrame(
        {
            "ts": [MARCH.start + day * DAY for day in days],
            "close": close,
            "volume": [volume / price for price in close],
            "quote_volume": [volume] * len(close),
        },
        schema={"ts": pl.Int64, **dict.fromkeys(("close", "volume", "quote_volume"), pl.Float64)},
    ).cast({"ts": TS})


def candidate(name: str, frame: pl.DataFrame | None = None, **facts: object) -> Candidate:
    plain = Candidate(Symbol(name), daily() if frame is None else frame)
    return replace(plain, **facts)  # type: ignore[arg-type]


def members(universe: pl.DataFrame) -> list[str]:
    return universe.filter("member")["symbol"].to_list()


def reason(one: Candidate, **rules: object) -> str | None:
    return universe_of(MARCH, [one], replace(RULES, **rules))["reason"].item()  # type: ignore[arg-type]


def test_the_largest_median_volumes_are_members_in_order_of_rank() -> None:
    field = [candidate("LOW", daily(1e3)), candidate("TOP", daily(1e9)), candidate("MID")]
    universe = universe_of(MARCH, field, replace(RULES, top_n=2))
    assert universe.schema == UNIVERSE_SCHEMA
    assert universe["symbol"].to_list() == ["TOP", "MID", "LOW"]
    assert universe["rank"].to_list() == [1, 2, 3]
    assert members(universe) == ["TOP", "MID"]
    assert universe["reason"].to_list() == [None, None, "rank 3 is beyond the first 2"]
    assert universe["valid_from"].dt.epoch("us").unique().to_list() == [MARCH.start]


def test_without_rules_every_symbol_with_a_look_back_is_a_member() -> None:
    assert members(universe_of(MARCH, [candidate("B"), candidate("A")], RULES)) == ["A", "B"]


def test_ties_are_decided_by_the_symbol_whatever_the_order_of_the_candidates() -> None:
    field = [candidate(name) for name in ("C", "A", "B")]
    one, other = (universe_of(MARCH, f, replace(RULES, top_n=2)) for f in (field, field[::-1]))
    assert_frame_equal(one, other)
    assert members(one) == ["A", "B"]


@pytest.mark.parametrize("factor", [0.0, 1e6])
def test_bars_of_the_month_itself_change_nothing(factor: float) -> None:
    ours, theirs = daily(1e6), daily(2e6)
    inside = pl.col("ts").dt.epoch("us") >= MARCH.start
    other = ours.with_columns(
        pl.when(inside).then(pl.col(name) * factor).otherwise(pl.col(name)).alias(name)
        for name in ("close", "volume", "quote_volume")
    )
    rules = replace(RULES, top_n=1)
    known = universe_of(MARCH, [candidate("A", ours), candidate("B", theirs)], rules)
    again = universe_of(MARCH, [candidate("A", other), candidate("B", theirs)], rules)
    cut = universe_of(MARCH, [candidate("A", ours.filter(~inside)), candidate("B", theirs)], rules)
    assert_frame_equal(known, again)
    assert_frame_equal(known, cut)
    assert members(known) == ["B"]


def test_bars_before_the_look_back_change_nothing_either() -> None:
    whole = universe_of(MARCH, [candidate("A", daily(first=-300))], RULES)
    assert_frame_equal(whole, universe_of(MARCH, [candidate("A", daily(first=-36))], RULES))


def test_a_delisted_symbol_is_a_member_while_it_traded_and_not_after() -> None:
    gone = candidate("LUNA", daily(last=14), delisted=MARCH.start + 15 * DAY)
    assert members(universe_of(MARCH, [gone], RULES)) == ["LUNA"]
    april = universe_of(MARCH.shift(1), [gone], RULES)
    assert april["reason"].to_list() == ["delisted before the month"]
    at_once = candidate("LUNA", daily(last=-1), delisted=MARCH.start)
    assert reason(at_once) == "delisted before the month"


def test_a_symbol_that_fell_silent_is_out_even_if_nobody_declared_it() -> None:
    assert reason(candidate("A", daily(last=-9))) == "no bars in the week before the month"
    assert reason(candidate("A", daily(last=-5))) is None
    assert reason(candidate("A", daily(last=-40))) == "no bars in the look-back"
    assert reason(candidate("A", daily().clear())) == "no bars in the look-back"


def test_a_symbol_listed_inside_the_look_back_is_out_with_that_reason() -> None:
    assert reason(candidate("NEW", listed=START + 1)) == "listed inside the look-back"
    assert reason(candidate("NEW", listed=START)) is None
    assert reason(candidate("NEW", daily(first=-20))) == "history begins inside the look-back"
    assert reason(candidate("NEW", daily(first=-28))) is None
    assert reason(candidate("NEW", listed=MARCH.start)) == "not listed before the month"


def test_volume_is_the_median_and_unknown_quote_volume_is_estimated() -> None:
    spiky = daily().with_columns(
        quote_volume=pl.when(pl.int_range(pl.len()) == 50).then(1e12).otherwise("quote_volume")
    )
    assert universe_of(MARCH, [candidate("A", spiky)], RULES)["median_quote_volume"].item() == 1e6
    unknown = daily().with_columns(quote_volume=pl.lit(None, pl.Float64))
    universe = universe_of(MARCH, [candidate("A", unknown)], RULES)
    assert universe["median_quote_volume"].item() == pytest.approx(1e6)
    silent = unknown.with_columns(volume=pl.lit(None, pl.Float64))
    assert reason(candidate("A", silent), min_quote_volume=1.0) == (
        "quote volume not known is below 1"
    )
    assert reason(candidate("A"), min_quote_volume=2e6) == "quote volume 1e+06 is below 2e+06"


def test_the_change_is_that_of_the_look_back() -> None:
    rising = candidate("A", daily(drift=0.01))
    change = universe_of(MARCH, [rising], RULES)["roc_pct"].item()
    assert change == pytest.approx((1.01**27 - 1) * 100)
    assert "is outside -100 to 10" in str(reason(rising, max_roc_pct=10.0))
    assert "is outside 50 to" in str(reason(rising, min_roc_pct=50.0))
    assert reason(rising, min_roc_pct=30.0, max_roc_pct=31.0) is None


def test_a_news_flag_counts_when_it_is_up_as_the_month_begins() -> None:
    flagged = candidate("A", news=[(MARCH.start - DAY, MARCH.start + 1)])
    assert reason(flagged) is None
    assert reason(flagged, exclude_news=True) == "news flag as the month begins"
    for window in ((MARCH.start - DAY, MARCH.start), (MARCH.start + 1, MARCH.end)):
        other = universe_of(
            MARCH, [candidate("A", news=[window])], replace(RULES, exclude_news=True)
        )
        assert (other["news"].item(), members(other)) == (False, ["A"])
