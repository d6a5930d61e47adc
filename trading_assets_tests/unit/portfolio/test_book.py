"""Strategy books of one account, from fills alone."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.domain.errors import DataError, UnknownSymbol
from trading_assets.domain.ids import symbol_from_text
from trading_assets.domain.instrument import Instrument
from trading_assets.portfolio.book import TaggedFill, VirtualBook

SOL, BTC = symbol_from_text("SOLUSDT"), symbol_from_text("BTCUSDT")
INSTRUMENTS = (
    Instrument(SOL, "SOL", "USDT", Decimal("0.01"), Decimal("0.001")),
    Instrument(BTC, "BTC", "USDT", Decimal("0.1"), Decimal("0.00001"), point_value=Decimal(2)),
)


def booked(*fills):
    book = VirtualBook(INSTRUMENTS)
    for ts, fill in enumerate(fills):
        tag, side, lots, price, *fee = fill
        book.apply_fill(TaggedFill(tag, SOL, side, lots, price, ts, *fee))
    return book


def test_each_tag_holds_what_its_own_fills_have_brought():
    book = booked(("a", 1, 1000, 100.0), ("b", -1, 3000, 101.0))

    (of_a,), (of_b,), (together,) = book.positions("a"), book.positions("b"), book.positions()

    assert (of_a.qty, of_a.avg_price, of_a.tag) == (1, 100.0, "a")
    assert (of_b.qty, of_b.avg_price) == (-3, 101.0)
    assert (together.qty, together.tag) == (-2, None)


def test_equity_is_cash_and_what_is_held_at_the_latest_mark():
    book = booked(("a", 1, 1000, 100.0, 5_000_000), ("b", -1, 1000, 100.0))

    book.mark_to_market({SOL: 110.0})

    assert (book.equity("a"), book.equity("b"), book.equity()) == (
        Decimal("9.95"), Decimal(-10), Decimal("-0.05"),
    )  # fmt: skip


def test_the_oldest_lots_of_the_own_tag_are_closed_first():
    book = booked(
        ("a", 1, 1000, 100.0), ("b", 1, 1000, 50.0), ("a", 1, 1000, 120.0), ("a", -1, 1500, 130.0)
    )

    trips = book.round_trips("a")

    assert trips["entry_price"].tolist() == [100.0, 120.0]
    assert trips["pnl"].tolist() == [30 * 10**8, 5 * 10**8]
    assert book.positions("a")[0].avg_price == 120.0


def test_a_fee_in_base_is_taken_from_what_was_received():
    book = booked(("a", 1, 1000, 100.0, 100_000, True))

    assert book.positions()[0].qty == Decimal("0.999")


def test_the_table_tells_realised_from_unrealised():
    book = booked(("a", 1, 2000, 100.0), ("a", -1, 1000, 110.0, 10**8), ("b", 1, 1000, 90.0))
    book.mark_to_market({SOL: 95.0})

    rows = book.as_table()

    assert rows["tag"].tolist() == ["a", "b"]
    assert rows["realised"].tolist() == [9 * 10**8, 0]
    assert rows["unrealised"].tolist() == [-5 * 10**8, 5 * 10**8]
    assert rows["fees"].tolist() == [10**8, 0]


def test_more_lots_than_the_ring_holds_make_it_grow():
    book = booked(*[("a", 1, 1, 100.0 + k) for k in range(200)], ("a", -1, 200, 400.0))

    assert book.positions() == ()
    assert book.round_trips("a")["entry_price"].tolist() == [100.0 + k for k in range(200)]


def test_what_was_never_marked_has_no_value():
    with pytest.raises(DataError, match="never marked"):
        booked(("a", 1, 1, 100.0)).equity()


@pytest.mark.parametrize(
    "fill",
    [("a", 0, 1, 1.0), ("a", 1, 0, 1.0), ("a", 1, 1, float("nan")), ("a", 1, 1, 1.0, 10**6, True)],
)
def test_a_fill_that_cannot_be_is_refused(fill):
    with pytest.raises(DataError, match="cannot be"):
        booked(fill)


def test_unknown_symbols_tags_and_prices_are_named():
    book = booked(("a", 1, 1, 100.0))
    with pytest.raises(UnknownSymbol, match="no such instrument"):
        book.mark_to_market({symbol_from_text("ETHUSDT"): 1.0})
    with pytest.raises(DataError, match="No price"):
        book.mark_to_market({SOL: 0.0})
    with pytest.raises(DataError, match="No such tag"):
        book.positions("b")


FILLS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from([SOL, BTC]),
        st.sampled_from([1, -1]),
        st.integers(1, 5_000),
        st.integers(1, 100_000).map(lambda ticks: ticks / 10),
        st.integers(-1_000, 10**8),
    ),
    min_size=1,
    max_size=60,
)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(FILLS, st.integers(1, 100_000), st.integers(1, 100_000))
def test_books_by_tag_add_up_to_the_account_to_the_unit(fills, sol, btc):
    """Against a ledger of this test's own, in Python's whole numbers."""
    book = VirtualBook(INSTRUMENTS)
    cash, held = 0, {SOL: 0, BTC: 0}
    for ts, (tag, symbol, side, lots, price, fee) in enumerate(fills):
        book.apply_fill(TaggedFill(tag, symbol, side, lots, price, ts, fee))
        instrument = INSTRUMENTS[symbol == BTC]
        units = lots * instrument.lot_units
        cash -= side * int(np.rint(units * price * float(instrument.point_value))) + fee
        held[symbol] += side * units
    book.mark_to_market({SOL: sol / 10, BTC: btc / 10})

    assert book.equity() == sum(book.equity(tag) for tag in book.tags)
    value = held[SOL] * sol / 10 + held[BTC] * btc / 10 * 2
    assert abs(int(book.equity() * 10**8) - cash - value) <= 2 * len(book.tags) + 1
    assert {p.symbol: int(p.qty * 10**8) for p in book.positions()} == {
        symbol: units for symbol, units in held.items() if units
    }
    rows = book.as_table()
    earned = int(rows["realised"].sum() + rows["unrealised"].sum())
    assert earned == int(book.equity() * 10**8)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(FILLS)
def test_first_in_first_out_loses_no_unit(fills):
    """Of each tag: what round trips and open lots have cost is the cash that has moved."""
    book = VirtualBook(INSTRUMENTS)
    for ts, (tag, symbol, side, lots, price, fee) in enumerate(fills):
        book.apply_fill(TaggedFill(tag, symbol, side, lots, price, ts, fee))
    book.mark_to_market({SOL: 50.0, BTC: 50.0})

    rows = book.as_table()

    for tag in book.tags:
        own = rows[rows["tag"] == tag]
        assert int(own["realised"].sum() + own["unrealised"].sum()) == int(book.equity(tag) * 10**8)
