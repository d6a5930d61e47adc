"""Who may explain a gap: an outage of that very symbol, and nothing else."""

from itertools import pairwise

import pytest

from trading_assets.domain.bar import MINUTE, Gap
from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Month, Symbol
from trading_assets.market.outages import (
    Outage,
    explained,
    outages_from_csv,
    outages_of,
    outages_version,
    shipped_outages,
    unexplained,
)

BTC, ETH = Symbol("BTCUSDT"), Symbol("ETHUSDT")
MARCH = Month(2020, 3)
HEADER = "venue,symbol,first_missing,last_missing,cause,evidence\n"


def at(minute: int) -> int:
    return MARCH.start + minute * MINUTE


def outage(first: int, last: int, symbol: Symbol = BTC, cause: str = "venue_outage") -> Outage:
    return Outage("binance_spot", symbol, at(first), at(last), cause, "seen")


@pytest.mark.parametrize(
    ("first", "last", "cause"),
    [
        (10, 19, "venue_outage"),
        (12, 15, "venue_outage"),
        (9, 19, "unexplained"),
        (10, 20, "unexplained"),
        (0, 5, "unexplained"),
        (18, 22, "unexplained"),
    ],
)
def test_a_gap_is_explained_only_when_all_of_it_lies_inside(
    first: int, last: int, cause: str
) -> None:
    gap = Gap(at(first), at(last), last - first + 1)
    assert explained((gap,), [outage(10, 19)]) == (Gap(*gap_facts(gap), cause),)


def gap_facts(gap: Gap) -> tuple[int, int, int]:
    return gap.start, gap.end, gap.minutes


def test_two_outages_that_touch_do_not_add_up() -> None:
    gap = Gap(at(10), at(29), 20)
    assert unexplained(explained((gap,), [outage(10, 19), outage(20, 29)])) == (gap,)


def test_an_outage_explains_nothing_of_another_symbol_venue_or_month() -> None:
    known = [outage(10, 19), outage(30, 39, ETH)]
    assert outages_of(known, ("binance_spot",), BTC, MARCH) == (known[0],)
    assert outages_of(known, ("binance_um", "embedded"), BTC, MARCH) == ()
    assert outages_of(known, ("binance_spot",), BTC, Month(2020, 4)) == ()


def test_an_outage_over_a_months_end_is_of_both_months() -> None:
    last = 31 * 1440 - 1
    known = [outage(last - 5, last + 5)]
    for month in (MARCH, Month(2020, 4)):
        assert outages_of(known, ("binance_spot",), BTC, month) == tuple(known)
    halves = (Gap(at(last - 5), at(last), 6), Gap(at(last + 1), at(last + 5), 5))
    assert [gap.cause for gap in explained(halves, known)] == ["venue_outage"] * 2


def test_the_version_follows_every_field() -> None:
    one = outages_version([outage(10, 19)])
    assert one == outages_version([outage(10, 19)])
    assert one != outages_version([outage(10, 19, cause="maintenance")])
    assert one != outages_version([outage(10, 20)])


def test_a_table_is_read_with_both_ends_inclusive() -> None:
    line = "binance_spot,BTCUSDT,2020-03-04 09:22,2020-03-04 11:29,venue_outage,the archive\n"
    (read,) = outages_from_csv(HEADER + line, "mine.csv")
    assert (read.end - read.start) // MINUTE + 1 == 128
    assert (read.symbol, read.cause, read.evidence) == (BTC, "venue_outage", "the archive")
    assert outages_from_csv(HEADER, "mine.csv") == ()


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("binance_spot,BTCUSDT,2020-03-04 09:22,2020-03-04 11:29,venue_outage", "5 fields"),
        ("binance_spot,btc,2020-03-04 09:22,2020-03-04 11:29,venue_outage,x", "btc"),
        ("binance_spot,BTCUSDT,2020-03-04T09:22,2020-03-04 11:29,venue_outage,x", "09:22"),
        ("binance_spot,BTCUSDT,2020-03-04 11:29,2020-03-04 09:22,venue_outage,x", "11:29"),
        ("binance_spot,BTCUSDT,2020-03-04 09:22,2020-03-04 11:29,unexplained,x", "unexplained"),
        ("Binance,BTCUSDT,2020-03-04 09:22,2020-03-04 11:29,venue_outage,x", "Binance"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(line: str, found: str) -> None:
    with pytest.raises(ConfigurationError, match=r"mine\.csv, line 2, cannot") as caught:
        outages_from_csv(HEADER + line, "mine.csv")
    assert found in caught.value.found


def test_other_columns_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="line 1"):
        outages_from_csv("symbol,start,end\n", "mine.csv")


def test_the_shipped_table_can_be_read_and_no_two_outages_of_a_symbol_overlap() -> None:
    known = sorted(shipped_outages(), key=lambda o: (o.venue, o.symbol, o.start))
    assert {o.venue for o in known} == {"binance_spot"}
    assert all(o.evidence for o in known)
    for one, other in pairwise(known):
        assert (one.venue, one.symbol) != (other.venue, other.symbol) or one.end < other.start
