"""Public trades: they add up to the bars at every instant, and their numbers have no gaps."""

import json
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.exchange.market.intervals import INTERVALS
from trading_assets.exchange.market.klines import Klines
from trading_assets.exchange.market.latent import days_from_epoch
from trading_assets.exchange.market.listing import listing_of
from trading_assets.exchange.market.market_model import (
    CELL,
    CELLS_PER_DAY,
    CELLS_PER_MINUTE,
    MarketModel,
    cell_of,
    meet_total,
)
from trading_assets.exchange.market.outages import LISTED_MINUTE, Outages
from trading_assets.exchange.market.tape import Tape, aggregated

MINUTE = 60_000_000
DAY_US = 1_440 * MINUTE
SOL = listing_of("SOLUSDT")
SYMBOLS = ("BTCUSDT", "SOLUSDT", "ADAUSDT")
LAST_MINUTE = days_from_epoch(2031) * 1_440
instants = st.integers(LISTED_MINUTE * MINUTE, LAST_MINUTE * MINUTE)


def new_tape(seed=7):
    return Tape(MarketModel(seed, 0.5), Outages(seed))


@pytest.fixture(scope="module")
def tape():
    return new_tape()


@settings(max_examples=60, deadline=None)
@given(now=instants, symbol=st.sampled_from(SYMBOLS))
def test_the_trades_of_a_minute_are_its_bar_at_any_instant(tape, now, symbol):
    listing = listing_of(symbol)
    minute = now // MINUTE
    pages = Klines(tape).pages(
        listing, INTERVALS["1m"], now, start_ms=minute * 60_000, end_ms=None, limit=1
    )
    rows = json.loads("[" + ",".join(row for page in pages for row in page) + "]")
    first = minute * CELLS_PER_MINUTE
    trades = tape.cells(listing, first, cell_of(now) + 1).until(now)
    if not rows:
        assert len(trades) == 0
        assert tape.outages.start_of(listing, minute) is not None
        return
    (row,) = rows
    instrument = listing.instrument
    price = [instrument.tick * int(ticks) for ticks in trades.ticks]
    size = [instrument.lot * int(lots) for lots in trades.lots]
    bought = [not maker for maker in trades.buyer_is_maker]
    assert row[0] == minute * 60_000
    opened, high, low, close, volume, quote, taker, taker_quote = map(
        Decimal, (*row[1:6], row[7], row[9], row[10])
    )
    assert (opened, high, low, close) == (price[0], max(price), min(price), price[-1])
    assert volume == sum(size)
    assert quote == sum(p * q for p, q in zip(price, size, strict=True))
    assert row[8] == len(trades)
    assert taker == sum(q for q, b in zip(size, bought, strict=True) if b)
    assert taker_quote == sum(p * q for p, q, b in zip(price, size, bought, strict=True) if b)


@settings(max_examples=60, deadline=None)
@given(now=instants, symbol=st.sampled_from(SYMBOLS), cells=st.integers(1, 500))
def test_any_stretch_is_numbered_without_gaps_in_order_of_time(tape, now, symbol, cells):
    listing = listing_of(symbol)
    first = cell_of(now)
    trades = tape.cells(listing, first, first + cells)
    assert (np.diff(trades.id) == 1).all()
    assert (np.diff(trades.ts) >= 0).all()
    assert (trades.lots >= 1).all()
    own_cell = trades.ts // CELL
    if len(trades):
        assert first <= own_cell[0]
        assert own_cell[-1] < first + cells
    is_first = np.diff(own_cell, prepend=-1) != 0
    assert (trades.ts[is_first] % CELL == 0).all()
    joined = aggregated(trades)
    assert (np.diff(joined.id) == 1).all()
    assert (np.diff(joined.ts) > 0).all()
    assert joined.lots.sum() == trades.lots.sum()
    assert (joined.last - joined.first + 1).sum() == len(trades)
    one_side = (
        np.add.reduceat(
            trades.buyer_is_maker.astype(int), np.flatnonzero(np.diff(trades.aggregate, prepend=-1))
        )
        if len(trades)
        else np.empty(0)
    )
    assert np.isin(one_side / np.maximum(joined.last - joined.first + 1, 1), (0, 1)).all()


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_days_years_and_outages_join_without_a_gap(tape, symbol):
    listing = listing_of(symbol)
    year_ends = [days_from_epoch(year) for year in (2018, 2024, 2025)]
    (start, end), *_ = tape.outages.of_year(listing, 2024)
    for before, after in [
        *((day * CELLS_PER_DAY - 1, day * CELLS_PER_DAY) for day in year_ends),
        (start * CELLS_PER_MINUTE - 1, end * CELLS_PER_MINUTE),
    ]:
        last, first = tape.cell(listing, before), tape.cell(listing, after)
        assert first.id[0] == last.id[-1] + 1
        assert first.aggregate[0] == last.aggregate[-1] + 1
    closed = tape.cells(listing, start * CELLS_PER_MINUTE, end * CELLS_PER_MINUTE)
    assert len(closed) == 0


def test_the_numbers_of_a_year_are_those_of_its_days_counted_one_by_one(tape):
    counted = [0, 0]
    for day in range(LISTED_MINUTE // 1_440, days_from_epoch(2018)):
        trades = tape.cells(SOL, day * CELLS_PER_DAY, (day + 1) * CELLS_PER_DAY)
        counted[0] += len(trades)
        counted[1] += len(aggregated(trades))
    year_end = days_from_epoch(2018) * DAY_US
    assert tape.next_ids(SOL, year_end - 1) == (counted[0] + 1, counted[1] + 1)


def test_numbering_begins_with_the_listing(tape):
    first = tape.cell(SOL, LISTED_MINUTE * CELLS_PER_MINUTE)
    assert first.id[0] == first.aggregate[0] == 1
    assert tape.next_ids(SOL, LISTED_MINUTE * MINUTE - 1) == (1, 1)
    assert len(tape.by_id(SOL, 0, 10, LISTED_MINUTE * MINUTE - 1)) == 0


@settings(max_examples=40, deadline=None)
@given(now=instants, symbol=st.sampled_from(SYMBOLS), back=st.integers(0, 10**6))
def test_a_trade_is_found_by_its_number_and_by_its_time(tape, now, symbol, back):
    listing = listing_of(symbol)
    next_trade, next_aggregate = tape.next_ids(listing, now)
    number = max(next_trade - 1 - back, 1)
    found = tape.by_id(listing, number, 5, now)
    assert found.id.tolist() == list(range(number, min(number + 5, next_trade)))
    assert (found.ts <= now).all()
    number = max(next_aggregate - 1 - back, 1)
    joined = tape.aggregates_by_id(listing, number, 5, now)
    assert joined.id.tolist() == list(range(number, min(number + 5, next_aggregate)))
    if len(joined):
        at = int(joined.ts[0])
        assert tape.first_at(listing, at) == (int(joined.first[0]), number)
        assert tape.first_at(listing, at + 1) == (int(joined.last[0]) + 1, number + 1)


def test_the_past_need_not_be_built_and_the_order_of_asking_does_not_matter():
    ahead, alone = new_tape(), new_tape()
    cells = [cell_of(days_from_epoch(year) * DAY_US + 7 * MINUTE) for year in (2018, 2023, 2026)]
    forwards = [ahead.cell(SOL, cell) for cell in cells]
    backwards = [alone.cell(SOL, cell) for cell in reversed(cells)][::-1]
    for one, other in zip(forwards, backwards, strict=True):
        assert one.id.tolist() == other.id.tolist()
        assert one.lots.tolist() == other.lots.tolist()
        assert one.ts.tolist() == other.ts.tolist()
    assert alone.model.day.cache_info().misses < 60


def test_a_cell_where_both_sides_took_has_two_trades_at_least(tape):
    path = tape.model.day(SOL, days_from_epoch(2024))
    both = (path.taker_lots > 0) & (path.taker_lots < path.lots)
    assert both.any()
    assert path.trades[both].min() >= 2


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_counts_meet_any_total_that_their_bounds_allow(data):
    bounds = st.tuples(st.integers(0, 5), st.integers(0, 40), st.integers(0, 40))
    rows = np.array(data.draw(st.lists(bounds, min_size=1, max_size=20)))
    low, counts, high = rows[:, 0], rows[:, :2].sum(axis=1), rows.sum(axis=1)
    total = data.draw(st.integers(int(low.sum()), int(high.sum())))
    met = meet_total(counts, low, high, total)
    assert met.sum() == total
    assert ((low <= met) & (met <= high)).all()
    with pytest.raises(ValueError, match="cannot add up"):
        meet_total(counts, low, high, int(high.sum()) + 1)


def test_the_tape_of_the_default_seed_has_not_changed(tape):
    cell = tape.cell(SOL, cell_of(1_709_294_400_000_000))
    assert (int(cell.id[0]), int(cell.aggregate[0]), len(cell)) == (834_606_915, 500_760_899, 20)
