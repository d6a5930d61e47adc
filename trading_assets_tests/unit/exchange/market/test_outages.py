"""Maintenance windows."""

from hypothesis import given
from hypothesis import strategies as st

from trading_assets.exchange.market.latent import days_from_epoch
from trading_assets.exchange.market.listing import listing_of
from trading_assets.exchange.market.outages import LISTED_MINUTE, Outages

BTC, SOL = listing_of("BTCUSDT"), listing_of("SOLUSDT")


def test_february_2024_has_an_outage_of_two_and_a_half_hours():
    for seed in range(5):
        start, end = Outages(seed).of_year(BTC, 2024)[0]
        assert start // 1_440 == days_from_epoch(2024) + 50
        assert end - start in {150, 151}


@given(seed=st.integers(0, 2**32), year=st.integers(2017, 2060))
def test_every_year_has_a_few_disjoint_outages(seed, year):
    table = Outages(seed).of_year(BTC, year)
    assert 3 <= len(table) <= 4
    edges = [edge for span in table for edge in span]
    assert edges == sorted(edges)
    assert days_from_epoch(year) * 1_440 <= edges[0]
    assert edges[-1] <= days_from_epoch(year + 1) * 1_440
    # None crosses midnight, so a day's bars never depend on another day's table.
    assert all(start // 1_440 == (end - 1) // 1_440 for start, end in table)


def test_the_last_bar_before_may_differ_by_a_minute_between_symbols():
    differences = {
        other[0] - this[0]
        for seed in range(20)
        for this, other in zip(
            Outages(seed).of_year(BTC, 2025), Outages(seed).of_year(SOL, 2025), strict=True
        )
    }
    assert differences == {-1, 0, 1}


def test_a_minute_knows_its_outage():
    outages = Outages(7)
    start, end = outages.of_year(SOL, 2024)[0]
    assert outages.start_of(SOL, start - 1) is None
    assert outages.start_of(SOL, start) == start
    assert outages.start_of(SOL, end - 1) == start
    assert outages.start_of(SOL, end) is None


def test_quotes_stand_still_in_an_outage():
    outages = Outages(7)
    start, end = outages.of_year(SOL, 2024)[0]
    assert outages.quoted_cell(SOL, (start + 30) * 12) == start * 12 - 1
    assert outages.quoted_cell(SOL, end * 12) == end * 12


def test_nothing_trades_before_the_listing():
    outages = Outages(7)
    assert len(outages.trading_minutes(BTC, LISTED_MINUTE // 1_440 - 1)) == 0
    assert outages.trading_minutes(BTC, LISTED_MINUTE // 1_440)[0] == 240
