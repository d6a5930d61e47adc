"""Trailing stops that a strategy wishes for at a close, changes and withdrawals of them."""

from decimal import Decimal

import pytest

from trading_assets.domain.errors import DataError
from trading_assets.domain.intents import CancelIntent, ModifyIntent, OrderIntent
from trading_assets.domain.order import OrderSide, OrderType, TimeInForce, TrailBy
from trading_assets.domain.setup import AccountProfile, FillRules
from trading_assets.engine.machine import Machine
from trading_assets.engine.signals import SignalMatrix
from trading_assets.records.codes import Cause, Leg, OrderState
from trading_assets_tests.stand_ins.scripted import FLAT, STEP, bars_of, run, scripted, setup_of

BUY, SELL = OrderSide.BUY, OrderSide.SELL
UP = [(100.0, 106.0, 100.0, 104.0), (104.0, 110.0, 104.0, 108.0)]
HELD = {0: lambda view: view.buy()}


def trailing(view, side=SELL, **options):
    """Wish for a trailing exit of what is held."""
    return [OrderIntent(side, reduce_only=True, **options)]


def exits_of(wishes, *rows, working_orders=2, **options):
    """Hold two from the second bar on and wish at its close for `wishes`; give machine and exits.

    `wishes` by the bar whose close decides, the second one being 1.
    """
    machine = run(scripted(HELD | wishes, working_orders=working_orders), FLAT, FLAT, *rows,
                  **options)  # fmt: skip
    return machine, machine.fills["price"][1:].tolist()


@pytest.mark.parametrize(
    ("what", "options", "rows", "expected"),
    [
        ("it starts at its distance from the close", {"trail": 2.0}, [(100, 101, 97.5, 98)],
         [98.0]),
        ("it follows closes", {"trail": 2.0}, [*UP, (108, 108, 105, 106)], [106.0]),
        ("or highs", {"trail": 2.0, "trail_by": TrailBy.EXTREME}, [(100, 106, 100, 105),
         (105, 105, 103.5, 104)], [104.0]),
        ("a ratio of the close", {"trail_ratio": 0.05}, [*UP, (108, 108, 102, 104)], [102.5]),
        ("a gap through it fills at the open", {"trail": 2.0}, [*UP, (101, 103, 100, 102)],
         [101.0]),
        ("it never loosens", {"trail": 2.0}, [*UP, (107, 107, 106.5, 106.5), (106.5, 107, 105.5,
         106)], [106.0]),
        ("nor fills without being reached", {"trail": 2.0}, [*UP, (107, 107, 106.5, 106.5)], []),
        ("a first trigger of one's own", {"trail": 2.0, "stop": 97.0}, [(100, 100, 97.5, 98),
         (98, 98, 96, 97)], [97.0]),
        ("an unfilled one may end", {"trail": 2.0, "tif": TimeInForce.GTD, "valid_to": 3 * STEP},
         [FLAT, (99, 99, 90, 95)], []),
    ],
)  # fmt: skip
def test_a_trailing_wish_fills_where_it_has_followed_to(what, options, rows, expected):
    assert exits_of({1: lambda v: trailing(v, **options)}, *rows)[1] == expected, what


@pytest.mark.parametrize("by", [TrailBy.CLOSE, TrailBy.EXTREME])
def test_a_wish_and_a_caller_s_order_trail_alike(by):
    """The same order by the door of a caller, on a walk of forty bars and a fall."""
    rows, price = [], 100.0
    for n in range(40):
        close = price + (n * 7 % 5 - 2) + 1.0
        rows.append((price, max(price, close) + 1.5, min(price, close) - 1.0, close))
        price = close
    rows.append((price, price, price - 20.0, price - 15.0))
    wished, fills = exits_of({1: lambda v: trailing(v, trail=4.0, trail_by=by)}, *rows)
    machine = Machine(setup_of(scripted(HELD)))
    bars = bars_of(FLAT, FLAT, *rows)
    signals = SignalMatrix(wished.setup.family, wished_signals(len(bars)))
    machine.run(bars, signals, 0, 2)
    machine.submit(
        0, SELL, OrderType.TRAILING_STOP, 20, trail_ticks=8, trail_by=by, reduce_only=True
    )
    machine.run(bars, signals, 2)

    assert machine.fills["price"][1:].tolist() == fills
    assert machine.fills["ts"].tolist() == wished.fills["ts"].tolist()
    assert len(fills) == 1


def wished_signals(bars):
    """No columns of its own."""
    return bars_of(*[FLAT] * bars).close[..., None][..., :0]


def test_an_entry_can_trail_and_buys_where_a_fall_turns():
    wish = [OrderIntent(BUY, trail=3.0)]
    machine = run(scripted({0: wish}), FLAT, (100, 101, 94, 95), (95, 97, 95, 96), (96, 99, 96, 98))

    assert [(f["price"], Leg(f["leg"])) for f in machine.fills] == [(98.0, Leg.ENTRY_LONG)]


def test_a_short_position_is_followed_downwards():
    rows = [(100, 100, 94, 95), (95, 99, 95, 98)]
    short = scripted({0: lambda v: v.sell(), 1: lambda v: trailing(v, BUY, trail=3.0)})

    assert run(short, FLAT, FLAT, *rows).fills["price"].tolist() == [100.0, 98.0]


def test_the_stop_of_an_entry_trails_where_the_rules_say_so():
    """At the distance between the close that decides and the stop, as brackets do."""
    script = {0: lambda view: view.buy(stop_loss=97.0)}
    rows = [FLAT, FLAT, *UP, (107, 107, 104.5, 105)]

    fixed = run(scripted(script), *rows)
    follows = run(scripted(script), *rows, rules=FillRules(trailing_stop=TrailBy.CLOSE))

    assert fixed.fills["price"].tolist() == [100.0]
    assert follows.fills["price"].tolist() == [100.0, 105.0]
    assert OrderType(follows.orders[1]["type"]) is OrderType.TRAILING_STOP


def change(**prices):
    """Wish for other prices of the only order."""
    return lambda view: [ModifyIntent(view.orders[0].order_id, **prices)]


@pytest.mark.parametrize(
    ("what", "wish", "expected"),
    [
        ("a shorter distance moves it at once", change(trail=1.0), [107.0]),
        ("a longer one leaves it, and follows at that", change(trail=8.0), [106.0]),
        ("a ratio in place of a distance", change(trail_ratio=0.005), [107.5]),
        ("a closer trigger", change(stop=107.5), [107.5]),
        ("the closer of both", change(stop=106.5, trail=1.0), [107.0]),
    ],
)
def test_a_trailing_stop_can_be_changed_but_never_loosens(what, wish, expected):
    rows = [*UP, (108, 108, 105, 106)]
    machine, fills = exits_of({1: lambda v: trailing(v, trail=2.0), 3: wish}, *rows)

    assert fills == expected, what
    assert machine.refusals == {}


def test_a_trigger_further_away_is_refused_with_both_prices():
    rows = [*UP, (108, 108, 105, 106)]
    machine, fills = exits_of({1: lambda v: trailing(v, trail=2.0), 3: change(stop=105.5)}, *rows)

    assert fills == [106.0]
    (refusal,) = machine.refusal_log
    assert (refusal.rule, refusal.limit, refusal.was) == ("looser_stop", 106.0, 105.5)


def test_fixed_exits_can_be_moved_either_way():
    """A stop to break even, a limit further up."""
    first = {1: lambda v: [OrderIntent(SELL, stop=95.0, reduce_only=True)], 2: change(stop=100.0)}
    assert exits_of(first, UP[0], (104, 104, 99, 100))[1] == [100.0]
    second = {1: lambda v: [OrderIntent(SELL, limit=105.0, reduce_only=True)],
              2: change(limit=109.0)}  # fmt: skip
    assert exits_of(second, (100, 104, 100, 104), (104, 108, 103, 105), (105, 110, 105, 108))[
        1
    ] == [109.0]


def test_a_trailing_stop_can_be_withdrawn():
    machine, fills = exits_of(
        {1: lambda v: trailing(v, trail=2.0), 2: lambda v: [CancelIntent(v.orders[0].order_id)]},
        FLAT, (90, 90, 90, 90),
    )  # fmt: skip
    order = machine.orders[-1]
    assert fills == []
    assert (OrderState(order["state"]), Cause(order["cause"])) == (
        OrderState.CANCELED, Cause.CALLER,
    )  # fmt: skip


def test_what_is_left_of_a_touched_stop_cannot_be_changed():
    """One of two was filled: the rest goes to market."""
    rules = FillRules(participation_pct=Decimal(20))
    wishes = {3: lambda v: trailing(v, trail=2.0), 4: change(trail=1.0)}
    rows = [FLAT, FLAT, (99, 99, 97, 98), FLAT]
    machine, fills = exits_of(wishes, *rows, rules=rules)

    assert fills[-2:] == [98.0, 100.0]
    assert machine.refusals == {"not_changeable": 1}


@pytest.mark.parametrize(
    "wish",
    [
        lambda v: [ModifyIntent(99, stop=90.0)],
        lambda v: [ModifyIntent(v.orders[0].order_id, trail=1.0)],
        lambda v: [ModifyIntent(v.orders[0].order_id, stop=1.0)],
        lambda v: [ModifyIntent(v.orders[1].order_id, limit=95.0)],
    ],
)
def test_a_change_of_what_is_not_there_ends_the_run(wish):
    """No such order, a limit without distance or stop, an entry."""
    first = [OrderIntent(SELL, limit=120.0, reduce_only=True), OrderIntent(BUY, limit=90.0)]
    with pytest.raises(DataError, match="ModifyIntent of such an exit"):
        exits_of({1: lambda v: first, 2: wish}, FLAT, FLAT)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: OrderIntent(SELL, trail=-1.0), "trail"),
        (lambda: OrderIntent(SELL, trail_ratio=1.0), "cannot be followed"),
        (lambda: OrderIntent(SELL, trail=1.0, trail_ratio=0.1), "cannot be followed"),
        (lambda: OrderIntent(SELL, trail=1.0, limit=5.0), "cannot trail"),
        (lambda: OrderIntent(SELL, trail=1.0, trail_by=TrailBy.NOTHING), "cannot trail"),
        (lambda: OrderIntent(SELL, trail=1.0, tif=TimeInForce.IOC), "IOC"),
        (lambda: ModifyIntent(1), "without a change"),
        (lambda: ModifyIntent(1, stop=-1.0), "stop"),
        (lambda: ModifyIntent(1, trail_ratio=2.0), "cannot be followed"),
    ],
)
def test_wishes_to_trail_without_meaning_cannot_be_made(make, message):
    with pytest.raises(DataError, match=message):
        make()


def test_a_book_at_a_venue_keeps_its_orders_as_they_are():
    """The venue has no change of an order: withdraw it and place another."""
    script = HELD | {1: lambda v: [OrderIntent(SELL, stop=95.0, reduce_only=True)],
                     2: change(stop=99.0)}  # fmt: skip
    machine = Machine(setup_of(scripted(script), profile=AccountProfile.SPOT_LONG_ONLY))
    bars = bars_of(FLAT, FLAT, FLAT)
    row = bars.close.T.repeat(5, axis=1)
    entry = machine.on_close(int(bars.ts[0]), row[:1], bars.close[:, :0])
    machine.on_fill(entry[0].order_id, 20, 100.0, 0, False, int(bars.ts[1]))
    machine.on_close(int(bars.ts[1]), row[1:2], bars.close[:, :0])
    machine.on_close(int(bars.ts[2]), row[2:], bars.close[:, :0])

    assert [order.stop_ticks for order in machine.active_orders()] == [190]
    assert machine.refusals == {"not_changeable": 1}
