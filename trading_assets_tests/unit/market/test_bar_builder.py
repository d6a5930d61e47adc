"""Ticks become bars: what opens and closes one, what is late, and what is counted."""

import pytest

from trading_assets.domain.bar import MINUTE, Bar
from trading_assets.domain.errors import ConfigurationError, DataError
from trading_assets.domain.ids import Micros, Month, Symbol
from trading_assets.domain.tick import Tick
from trading_assets.market.bar_builder import BarBuilder, Method, VwapBar

START = Month(2024, 3).start
SECOND = 1_000_000
BTC, ETH = Symbol("BTCUSDT"), Symbol("ETHUSDT")


class Hand:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.instant: Micros = START

    def now(self) -> Micros:
        return self.instant

    def wait(self, seconds: float) -> None:
        self.instant += int(seconds * SECOND)


def trade(second: float, price: float, size: float = 1.0, symbol: Symbol = BTC) -> Tick:
    return Tick(START + int(second * SECOND), symbol, "test", last=price, size=size)


def fed(builder: BarBuilder, *ticks: Tick) -> list[Bar]:
    return [bar for tick in ticks for bar in builder.on_tick(tick)]


def test_a_tick_of_the_next_minute_completes_the_bar() -> None:
    builder = BarBuilder()
    ticks = (trade(0, 10), trade(20, 12, 0.1), trade(40, 9, 0.2), trade(59.9, 11))
    assert fed(builder, *ticks) == []
    (bar,) = builder.on_tick(trade(60, 20))
    assert bar == Bar(BTC, START, 10, 12, 9, 11, 2.3, 24.0, 4)
    assert fed(builder, trade(119, 21)) == []


def test_a_minute_without_ticks_has_no_bar() -> None:
    builder = BarBuilder()
    bars = fed(builder, trade(0, 10), trade(200, 11), trade(600, 12))
    assert [bar.ts - START for bar in bars] == [0, 3 * MINUTE]


def test_inside_a_bar_the_time_of_the_tick_decides_not_its_arrival() -> None:
    builder = BarBuilder()
    fed(builder, trade(30, 10), trade(10, 9), trade(50, 12), trade(40, 11), trade(50, 13))
    fed(builder, trade(10, 8))
    (bar,) = builder.flush(force=True)
    assert (bar.open, bar.high, bar.low, bar.close) == (9, 13, 8, 13)
    assert builder.late == 0


def test_a_late_tick_is_counted_and_changes_nothing() -> None:
    builder = BarBuilder()
    fed(builder, trade(30, 10), trade(70, 11))
    assert fed(builder, trade(59, 99)) == []
    assert builder.late == 1
    (bar,) = builder.flush(force=True)
    assert fed(builder, trade(80, 99)) == []
    assert (bar.high, builder.late) == (11, 2)
    assert builder.flush(force=True) == []


def test_symbols_grow_apart_and_are_flushed_in_order() -> None:
    builder = BarBuilder()
    fed(builder, trade(0, 10, symbol=ETH), trade(1, 20), trade(61, 21, symbol=ETH))
    flushed = builder.flush(force=True)
    assert [(bar.ts - START, bar.symbol) for bar in flushed] == [(0, BTC), (MINUTE, ETH)]


def test_the_clock_says_which_bars_have_ended() -> None:
    builder, clock = BarBuilder(), Hand()
    fed(builder, trade(10, 10))
    assert builder.flush() == []
    builder.set_clock(clock)
    clock.instant = START + MINUTE - 1
    assert builder.flush() == []
    clock.instant += 1
    assert [bar.close for bar in builder.flush()] == [10]


@pytest.mark.parametrize(
    ("method", "expected"), [("last", None), ("mid", 101.0), ("bid", 100.0), ("ask", 102.0)]
)
def test_the_method_chooses_the_price_and_ticks_without_it_are_counted(
    method: Method, expected: float | None
) -> None:
    builder = BarBuilder(method=method)
    fed(builder, Tick(START, BTC, "test", bid=100, ask=102))
    closes = [bar.close for bar in builder.flush(force=True)]
    assert closes == ([] if expected is None else [expected])
    assert builder.priceless == (expected is None)


def test_sizes_add_up_as_decimals_do() -> None:
    builder = BarBuilder()
    fed(builder, *(trade(i, 1.0, 0.1) for i in range(10)))
    (bar,) = builder.flush(force=True)
    assert bar.volume == 1.0


def test_the_average_price_comes_on_request_and_not_without_volume() -> None:
    builder = BarBuilder(vwap=True)
    fed(builder, trade(0, 10, 1), trade(1, 20, 3), trade(60, 5, 0))
    bars = builder.flush(force=True)
    assert [type(bar) for bar in bars] == [VwapBar]
    assert [bar.vwap for bar in bars if isinstance(bar, VwapBar)] == [None]
    (first,) = fed(BarBuilder(vwap=True), trade(0, 10, 1), trade(1, 20, 3), trade(60, 5))
    assert isinstance(first, VwapBar)
    assert first.vwap == 17.5


@pytest.mark.parametrize(
    "tick", [trade(0, 0), trade(0, -1), trade(0, float("nan")), trade(0, 1, -1)]
)
def test_an_impossible_tick_is_refused(tick: Tick) -> None:
    with pytest.raises(DataError, match="not possible"):
        BarBuilder().on_tick(tick)


def test_other_sizes_and_methods_are_refused() -> None:
    for seconds in (0, 7, 90):
        with pytest.raises(ConfigurationError, match="size of a bar"):
            BarBuilder(seconds)
    with pytest.raises(ConfigurationError, match="method"):
        BarBuilder(method="open")  # type: ignore[arg-type]
