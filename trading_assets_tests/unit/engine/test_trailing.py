"""Trailing stops follow finished bars, in the order's favour only."""

from decimal import Decimal

import pytest

from trading_assets.domain.errors import ConfigurationError, DataError
from trading_assets.domain.order import OrderSide, OrderType, TrailBy
from trading_assets.domain.setup import FillRules, SignalFamily
from trading_assets.records.codes import Leg

BUY, SELL, MARKET, TRAILING = (
    OrderSide.BUY,
    OrderSide.SELL,
    OrderType.MARKET,
    OrderType.TRAILING_STOP,
)
FLAT = (100.0, 100.0, 100.0, 100.0)


def trailed(market, bars, *, short=False, **options):
    """Hold a position of one and protect it; give the machine and the price of the exit."""
    desk = market([FLAT, FLAT, *bars], margin=True)
    machine = desk.machine(1)
    machine.submit(0, SELL if short else BUY, MARKET, 1000)
    desk.then(machine, 1, 2)
    machine.submit(0, BUY if short else SELL, TRAILING, 1000, reduce_only=True, **options)
    desk.then(machine, 2)
    return machine, machine.fills["price"][1:].tolist()


BY_CLOSE = {"trail_ticks": 200, "trail_by": TrailBy.CLOSE}
BY_EXTREME = {"trail_ticks": 200, "trail_by": TrailBy.EXTREME}


@pytest.mark.parametrize(
    ("what", "bars", "options", "expected"),
    [
        ("it starts below the latest close", [(100, 101, 97.5, 98)], BY_CLOSE, [98.0]),
        ("it follows the close", [(100, 106, 100, 103), (103, 103, 100.5, 101)], BY_CLOSE, [101.0]),
        ("or the high", [(100, 106, 100, 103), (105, 105, 103.5, 104)], BY_EXTREME, [104.0]),
        ("a gap under it fills at the open", [(100, 106, 100, 103), (99, 100, 98, 99)], BY_CLOSE,
         [99.0]),
        ("it never comes back", [(100, 105, 100, 105), (105, 105, 103.5, 104), (104, 104, 102.9,
         103)], BY_CLOSE, [103.0]),
        ("nor fills without being reached", [(100, 105, 100, 105), (105, 105, 103.01, 104)],
         BY_CLOSE, []),
        ("percent of the close", [(100, 110, 100, 110), (110, 110, 98, 100)],
         {"trail_pct": Decimal(10)}, [99.0]),
        ("a first trigger of one's own", [(100, 100, 95, 96)],
         {"trail_ticks": 200, "stop_ticks": 9700}, [97.0]),
    ],
)  # fmt: skip
def test_a_trailing_stop_fills_where_it_has_followed_to(market, what, bars, options, expected):
    assert trailed(market, bars, **options)[1] == expected, what


def test_the_high_of_a_bar_never_fills_a_stop_inside_that_bar(market):
    """High 110, low 101: the low is above the old trigger and below the new one."""
    bars = [(100, 110, 101 - 1.5, 109), (109, 109, 107.5, 108)]

    assert trailed(market, bars, **BY_EXTREME)[1] == [108.0]


def test_a_short_position_is_followed_downwards(market):
    bars = [(100, 100, 94, 96), (96, 97, 95, 97), (97, 98.5, 96, 98)]

    assert trailed(market, bars, short=True, **BY_CLOSE)[1] == [98.0]
    assert trailed(market, bars, short=True, **BY_EXTREME)[1] == [96.0]


def test_the_log_shows_the_last_trigger(market):
    machine, _ = trailed(market, [(100, 105, 100, 105)], **BY_CLOSE)

    assert machine.orders[-1]["stop_ticks"] == 10300


def brackets(market, bars, trail):
    signal = {"long_entry": 101.0, "sl_long": 99.0, "tp_long": 120.0}
    desk = market(
        [FLAT, *bars], family=SignalFamily.BRACKET, signals={0: signal},
        rules=FillRules(trailing_stop=trail),
    )  # fmt: skip
    return desk.machine()


def test_the_stop_of_a_bracket_trails_at_the_distance_of_its_entry(market):
    bars = [(100, 104, 100, 103), (103, 106, 102, 105), (105, 105, 102.5, 104)]

    fixed = brackets(market, bars, TrailBy.NOTHING)
    trailing = brackets(market, bars, TrailBy.CLOSE)

    assert fixed.fills["price"].tolist() == [101.0]
    assert trailing.fills["price"].tolist() == [101.0, 103.0]
    assert Leg(trailing.fills[1]["leg"]) is Leg.STOP_LONG


def test_in_the_bar_of_the_entry_only_the_close_counts(market):
    """The high of 110 may have been before the entry at 101."""
    bars = [(110, 110, 100, 102), (102, 102, 100.5, 101)]
    signal = {"long_entry": 101.0, "sl_long": 99.0}
    desk = market(
        [FLAT, FLAT, (100.5, 110, 100, 102), bars[1], (101, 101, 99.9, 100)],
        family=SignalFamily.BRACKET, signals={1: signal},
        rules=FillRules(trailing_stop=TrailBy.EXTREME),
    )  # fmt: skip

    assert desk.machine().fills["price"].tolist() == [101.0, 100.0]


def test_targets_have_no_stop_to_trail(market):
    with pytest.raises(ConfigurationError, match="strategy with brackets"):
        market([FLAT], rules=FillRules(trailing_stop=TrailBy.CLOSE)).machine()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "0 distances"),
        ({"trail_ticks": 5, "trail_pct": Decimal(1)}, "2 distances"),
        ({"trail_ticks": 0}, "cannot trail"),
        ({"trail_pct": Decimal(100)}, "cannot trail"),
        ({"trail_ticks": 5, "trail_by": TrailBy.NOTHING}, "cannot trail"),
        ({"trail_ticks": 5, "limit_ticks": 7}, "other prices"),
        ({"trail_ticks": 5, "stop_ticks": 0}, "below one tick"),
    ],
)
def test_a_trailing_stop_that_makes_no_sense_is_refused(market, options, message):
    machine = market([FLAT]).machine()

    with pytest.raises(DataError, match=message):
        machine.submit(0, SELL, TRAILING, 1, **options)


def test_other_orders_do_not_trail(market):
    with pytest.raises(DataError, match="1 distances"):
        market([FLAT]).machine().submit(0, SELL, MARKET, 1, trail_ticks=5)
