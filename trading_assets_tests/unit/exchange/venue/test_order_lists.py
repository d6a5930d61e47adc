"""Order lists: one money for two legs, one end for both, and pending orders that start in time."""

import pytest

from trading_assets.exchange.errors import Refused
from trading_assets.exchange.venue.order_lists import ListRequest
from trading_assets.exchange.venue.orders import Shape, Status
from trading_assets.exchange.venue.reports import ListReport, OrderReport

AHEAD = 5_000


@pytest.fixture
def rich(make_desk):
    return make_desk(deposits={"USDT": 10**13, "SOL": 10**12})


@pytest.fixture
def told(rich):
    reports = []
    rich.venue.publish = reports.append
    return reports


def line(reports):
    """Give what was told of orders and lists, in short."""
    short = []
    for report in reports:
        if isinstance(report, OrderReport):
            short.append((report.order_id, report.execution.name, report.status.name))
        elif isinstance(report, ListReport):
            short.append((report.status_type, report.order_status))
    return short


def sell_pair(desk, above, below, lots=100):
    return desk.place_list(
        "OCO",
        ("SOLUSDT", "SELL", {"lots": lots, "ticks": above, "kind": "LIMIT_MAKER"}),
        ("SOLUSDT", "SELL", {"lots": lots, "stop_ticks": below, "kind": "STOP_LOSS"}),
    )


def test_a_pair_locks_the_money_once_and_is_cancelled_as_one(rich, told):
    last = rich.last("SOLUSDT")
    pair = sell_pair(rich, last + 5_000, last - 5_000)
    assert rich.locked("SOL") == 100 * 100_000
    assert line(told) == [(1, "NEW", "NEW"), (2, "NEW", "NEW"), ("EXEC_STARTED", "EXECUTING")]
    assert [o.is_resting for o in pair.orders] == [True, False]
    told.clear()
    rich.cancel(pair.orders[1])
    assert line(told) == [
        (2, "CANCELED", "CANCELED"),
        (1, "CANCELED", "CANCELED"),
        ("ALL_DONE", "ALL_DONE"),
    ]
    assert {r.cancel_id for r in told if isinstance(r, OrderReport)} == {"the-cancel"}
    assert rich.locked("SOL") == 0


def test_a_buying_pair_locks_the_dearer_leg(rich):
    last = rich.last("SOLUSDT")
    rich.place_list(
        "OCO",
        (
            "SOLUSDT",
            "BUY",
            {
                "lots": 10,
                "ticks": last + 600,
                "stop_ticks": last + 500,
                "kind": "STOP_LOSS_LIMIT",
            },
        ),
        ("SOLUSDT", "BUY", {"lots": 10, "ticks": last - 500, "kind": "LIMIT_MAKER"}),
    )
    assert rich.locked("USDT") == 10 * (last + 600) * 1_000


def test_the_stop_leg_ends_the_limit_leg_when_it_is_triggered(rich, told):
    below = int(rich.ticks_ahead("SOLUSDT", AHEAD).min()) + 3
    above = int(rich.ticks_ahead("SOLUSDT", AHEAD).max()) + 5_000
    pair = sell_pair(rich, above, below, lots=10)
    told.clear()
    rich.step(AHEAD * 5)
    assert [o.status for o in pair.orders] == [Status.EXPIRED, Status.FILLED]
    assert line(told) == [
        (1, "EXPIRED", "EXPIRED"),
        (2, "NEW", "NEW"),
        (2, "TRADE", "FILLED"),
        ("ALL_DONE", "ALL_DONE"),
    ]
    assert rich.locked("SOL") == 0


def test_the_first_part_of_the_limit_leg_ends_the_stop_leg(rich):
    ahead = rich.ticks_ahead("SOLUSDT", AHEAD)
    pair = sell_pair(rich, int(ahead.max()) - 3, int(ahead.min()) - 5_000, lots=10**7)
    rich.step(AHEAD * 5)
    limit, stop = pair.orders
    assert limit.executed_lots > 0
    assert stop.status is Status.EXPIRED
    assert rich.locked("SOL") == limit.open_lots * 100_000


@pytest.mark.parametrize(("above", "below"), [(-10, -500), (500, 10), (-500, 500)])
def test_prices_must_enclose_the_market(rich, above, below):
    last = rich.last("SOLUSDT")
    with pytest.raises(Refused, match="relationship of the prices"):
        sell_pair(rich, last + above, last + below)
    assert not rich.venue.orders
    assert not rich.venue.lists.all


def working_and(desk, *pending, shape="OTO", **working):
    wish = {"lots": 100, "ticks": desk.book("SOLUSDT").asks[0].ticks} | working
    return desk.place_list(shape, ("SOLUSDT", "BUY", wish), *pending)


def test_a_pending_order_waits_for_the_whole_working_order(rich, told):
    limit = int(rich.ticks_ahead("SOLUSDT", AHEAD).min()) + 3
    pending = ("SOLUSDT", "SELL", {"lots": 100, "ticks": limit + 9_000})
    made = working_and(rich, pending, lots=10, ticks=limit)
    working, later = made.orders
    assert (later.status, later.working_ts, rich.locked("SOL")) == (Status.PENDING_NEW, 0, 0)
    rich.step(AHEAD * 5)
    assert working.status is Status.FILLED
    assert later.status is Status.NEW
    assert later.working_ts == working.updated_ts
    assert rich.locked("SOL") == 100 * 100_000
    assert not made.is_done
    assert line(told)[-2:] == [(1, "TRADE", "FILLED"), (2, "NEW", "NEW")]


def test_a_working_order_filled_at_once_starts_the_pending_pair_after_the_answer(rich):
    rich.step(0)
    last = rich.last("SOLUSDT")
    wish = {"lots": 100}
    seen = []
    request = ListRequest(
        Shape.OTOCO,
        (
            rich.request("SOLUSDT", "BUY", **wish, ticks=last + 200),
            rich.request("SOLUSDT", "SELL", **wish, ticks=last + 5_000, kind="LIMIT_MAKER"),
            rich.request("SOLUSDT", "SELL", **wish, stop_ticks=last - 5_000, kind="STOP_LOSS"),
        ),
        None,
    )
    rich.venue.lists.place(
        "demo", request, rich.now, lambda made: seen.extend(o.status for o in made.orders)
    )
    assert seen == [Status.FILLED, Status.PENDING_NEW, Status.PENDING_NEW]
    made = rich.venue.lists.all[1]
    assert [o.status for o in made.orders] == [Status.FILLED, Status.NEW, Status.NEW]
    assert rich.locked("SOL") == 100 * 100_000
    rich.cancel(made.orders[2])
    assert [o.status for o in made.orders] == [Status.FILLED, Status.CANCELED, Status.CANCELED]
    assert (rich.locked("SOL"), made.is_done) == (0, True)


def test_pending_orders_end_with_a_working_order_that_does(rich):
    pending = ("SOLUSDT", "SELL", {"lots": 100})
    made = working_and(rich, pending, ticks=5_000)
    rich.cancel(made.orders[0])
    assert [o.status for o in made.orders] == [Status.CANCELED] * 2
    gone = working_and(rich, pending, ticks=5_000, tif="IOC")
    assert [o.status for o in gone.orders] == [Status.EXPIRED] * 2
    assert gone.is_done


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        ({"kind": "STOP_LOSS", "stop_ticks": 10**6}, "STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY"),
        ({"kind": "LIMIT_MAKER", "ticks": 5_000}, "WOULD_MATCH_IMMEDIATELY"),
        ({"lots": 10**8, "ticks": 10**5}, "INSUFFICIENT_BALANCES"),
    ],
)
def test_what_cannot_start_is_rejected_with_its_reason(rich, told, wish, reason):
    made = working_and(rich, ("SOLUSDT", "SELL", {"lots": 10, **wish}))
    assert [o.status for o in made.orders] == [Status.FILLED, Status.REJECTED]
    (report,) = [r for r in told if isinstance(r, OrderReport) and r.reason != "NONE"]
    assert (report.execution.name, report.reason) == ("REJECTED", reason)
    assert made.is_done


def test_a_pending_market_order_sells_what_there_is(make_desk):
    desk = make_desk(deposits={"USDT": 10**13})
    made = working_and(desk, ("SOLUSDT", "SELL", {"lots": 100}))
    sale = made.orders[1]
    assert (sale.status, sale.executed_lots) == (Status.EXPIRED, 99)  # the commission is missing
    assert made.is_done


def test_names_of_lists_and_legs_are_unique_while_open(rich):
    last = rich.last("SOLUSDT")
    leg = ("SOLUSDT", "SELL", {"lots": 10, "ticks": last + 5_000, "kind": "LIMIT_MAKER"})
    stop = ("SOLUSDT", "SELL", {"lots": 10, "stop_ticks": last - 5_000, "kind": "STOP_LOSS"})
    first = rich.place_list("OCO", leg, stop, name="pair")
    with pytest.raises(Refused, match="Duplicate order sent"):
        rich.place_list("OCO", leg, stop, name="pair")
    same = [(*w[:2], w[2] | {"client_order_id": "x"}) for w in (leg, stop)]
    with pytest.raises(Refused, match="Duplicate order sent"):
        rich.place_list("OCO", *same)
    rich.cancel(first.orders[0])
    assert rich.place_list("OCO", leg, stop, name="pair").list_id == first.list_id + 1
    assert rich.venue.lists.find("demo", None, "pair").list_id == first.list_id + 1
