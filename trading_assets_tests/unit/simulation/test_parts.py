"""Clocks, disks and venue of a simulated world."""

import random
from decimal import Decimal

import pytest

from trading_assets.domain.errors import InvariantError, RecoveryError
from trading_assets.domain.events import EquityMarked, OrderIntentCreated
from trading_assets.domain.ids import Symbol
from trading_assets.domain.order import OrderSide, OrderStatus, OrderTicket, OrderType, TimeInForce
from trading_assets.simulation.disk import Disk, SimulatedJournal
from trading_assets.simulation.failpoints import Crashed, Failpoints
from trading_assets.simulation.market import INSTRUMENTS, draw_market
from trading_assets.simulation.venue_model import RefusedByVenue, VenueModel
from trading_assets.simulation.virtual_time import START, VirtualTime

SOL = Symbol("SOLUSDT")


def ticket(name="ta-1", quantity="2", side=OrderSide.BUY):
    return OrderTicket(
        name, "tag", SOL, side, OrderType.MARKET, TimeInForce.GTC, Decimal(quantity), START
    )


@pytest.fixture
def venue():
    model = VenueModel({item.symbol: item for item in INSTRUMENTS})
    model.deposit("USDT", 1_000 * 10**8)
    return model


@pytest.fixture
def journal():
    return SimulatedJournal(Disk(), Failpoints(random.Random(1), 0.0))


def test_time_passes_by_waiting_and_things_happen_in_its_order():
    time, seen = VirtualTime(), []
    time.at(START + 20, lambda: seen.append(("late", time.now - START)))
    time.at(START + 10, lambda: seen.append(("early", time.now - START)))
    time.at(START + 10, lambda: time.at(START + 15, lambda: seen.append(("nested", 15))))

    time.advance(19)

    assert seen == [("early", 10), ("nested", 15)]
    time.advance(1)
    assert seen[-1] == ("late", 20)
    assert time.monotonic() == 20 / 1e6


def test_a_process_ends_at_the_point_it_is_armed_for_and_nowhere_else():
    points = Failpoints(random.Random(1), 0.0, armed=2)

    points.point("a")
    with pytest.raises(Crashed):
        points.point("b")
    points.point("c")

    assert points.crashes == {"b": 1}
    assert points.passed == 3


def test_a_full_disk_takes_nothing_and_the_process_writes_no_more(journal):
    mark = EquityMarked(1, Decimal(1), 0.0)
    journal.append([mark])
    journal._disk.is_full = True
    with pytest.raises(RecoveryError):
        journal.append([mark])
    journal._disk.is_full = False

    with pytest.raises(RecoveryError):
        journal.append([mark])
    assert journal._disk.events == [mark]


def test_an_intent_stands_in_a_journal_once(journal):
    intent = OrderIntentCreated(1, ticket(), 1)
    journal.append([intent])

    with pytest.raises(InvariantError):
        journal.append([intent])


@pytest.mark.parametrize(("outcome", "left"), [("kept", b"12345678"), ("torn", b"1234")])
def test_the_end_of_a_process_can_cut_a_snapshot_off(outcome, left):
    disk = Disk()
    disk.snapshots.append((3, b"12345678"))

    disk.crash(outcome)

    assert disk.snapshots == [(3, left)]


def test_an_older_copy_lacks_the_latest_commits_and_their_snapshots():
    disk = Disk()
    disk.rewrite([("a",), ("b", "c"), ("d",)])
    disk.snapshots = [(1, b"x"), (4, b"y")]

    lost = disk.forget(2)

    assert lost == [("b", "c"), ("d",)]
    assert disk.events == ["a"]
    assert disk.snapshots == [(1, b"x")]


def test_a_name_is_unique_among_open_orders_only(venue):
    first = venue.accept(ticket(), START, 5_000, START, 10_000)
    with pytest.raises(RefusedByVenue, match="Duplicate"):
        venue.accept(ticket(), START, 5_000, START, 10_000)
    venue.execute(first, first.lots, 10_000, START)

    assert first.status is OrderStatus.FILLED
    assert venue.accept(ticket(), START, 5_000, START, 10_000) is not first


@pytest.mark.parametrize(("stamp", "is_taken"), [(-5_000_000, 1), (-5_000_001, 0), (999_999, 1)])
def test_a_request_is_taken_inside_its_window_only(venue, stamp, is_taken):
    if is_taken:
        assert venue.accept(ticket(), START + stamp, 5_000, START, 10_000)
    else:
        with pytest.raises(RefusedByVenue, match="recvWindow"):
            venue.accept(ticket(), START + stamp, 5_000, START, 10_000)


def test_no_unit_is_lost_by_executions_and_their_fees(venue):
    order = venue.accept(ticket(quantity="1.237"), START, 5_000, START, 10_007)
    venue.execute(order, 1_000, 10_001, START)
    venue.execute(order, 237, 10_003, START)

    fees = sum(fill.fee for fill in venue.fills)
    assert venue.total("SOL") == Decimal("1.237") - fees
    assert venue.total("USDT") == 1_000 - Decimal("100.01") - Decimal("0.237") * Decimal("100.03")
    assert venue.holdings["USDT"].locked == 0


def test_what_was_just_accepted_can_be_invisible_for_a_while(venue):
    order = venue.accept(ticket(), START, 5_000, START, 10_000)
    order.visible_at, order.listing_lag = START + 5, 10
    venue.execute(order, order.lots, 10_000, START)

    assert venue.find("ta-1", START) is None
    assert venue.fills_of(SOL, START, START) == ()
    assert venue.find("ta-1", START + 5) is order
    assert venue.fills_of(SOL, START, START + 9) == ()
    assert len(venue.fills_of(SOL, START, START + 10)) == 1


def test_a_market_depends_on_its_dice_alone():
    one = draw_market(random.Random(5), 30, 3, 0)
    two = draw_market(random.Random(5), 30, 3, 0)

    assert [m.ticks for m in one] == [m.ticks for m in two]
    assert all(bar.low <= bar.open <= bar.high for minute in one for bar in minute.bars)
