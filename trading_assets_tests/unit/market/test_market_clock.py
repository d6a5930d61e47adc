"""The market's clock: open or closed, the next bar, and waiting without sleeping."""

import asyncio
import datetime as dt

import pytest

from trading_assets.domain.bar import MINUTE
from trading_assets.domain.errors import ConfigurationError, DataError
from trading_assets.domain.ids import Micros
from trading_assets.market.calendars import build_sessions
from trading_assets.market.market_clock import MarketClock


class Stepped:
    """A clock whose market time moves only by waiting, slower than asked."""

    def __init__(self, instant: Micros) -> None:
        self.instant = instant
        self.waits: list[float] = []

    def now(self) -> Micros:
        return self.instant

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.instant += int(seconds * 900_000) + 1


def at(text: str) -> Micros:
    return int(dt.datetime.fromisoformat(f"2024-{text}+00:00").timestamp()) * 1_000_000


def market(calendar: str, bar_seconds: int = 60) -> MarketClock:
    sessions = build_sessions(calendar, dt.date(2024, 2, 1), dt.date(2024, 12, 31))
    return MarketClock(calendar, bar_seconds, clock=Stepped(at("03-08T12:00")), sessions=sessions)


@pytest.mark.parametrize(
    ("calendar", "seconds", "last", "following"),
    [
        ("XNYS", 60, "03-08T14:30", "03-08T14:31"),
        ("XNYS", 60, "03-08T20:59", "03-11T13:30"),
        ("XNYS", 3600, "03-08T14:30", "03-08T15:30"),
        ("XNYS", 3600, "03-08T20:30", "03-11T13:30"),
        ("XNYS", 3600, "03-09T12:00", "03-11T13:30"),
        ("XHKG", 3600, "03-08T03:30", "03-08T05:00"),
        ("24x5", 60, "03-08T21:59", "03-10T21:00"),
        ("24x5", 60, "03-07T21:59", "03-07T22:00"),
        ("CME", 300, "03-05T21:55", "03-05T23:00"),
        ("24/7", 300, "03-09T12:03", "03-09T12:05"),
    ],
)
def test_the_next_bar_begins_when_the_market_trades(
    calendar: str, seconds: int, last: str, following: str
) -> None:
    assert market(calendar, seconds).next_bar_time(at(last)) == at(following)


def test_trading_time_is_that_of_the_sessions() -> None:
    new_york = market("XNYS")
    assert new_york.is_trading_time(at("03-08T14:30"))
    assert not new_york.is_trading_time(at("03-08T14:29"))
    assert not new_york.is_trading_time(at("11-29T18:00"))
    currencies = market("24x5")
    assert not currencies.is_trading_time(at("03-09T12:00"))
    assert currencies.is_trading_time(at("03-10T21:00"))


def test_what_the_calendar_does_not_know_is_an_error() -> None:
    with pytest.raises(DataError, match="does not know"):
        market("XNYS").next_bar_time(at("12-31T20:59"))


def test_a_market_that_never_closes_needs_no_sessions() -> None:
    clock = MarketClock(clock=Stepped(at("03-09T00:00")))
    assert clock.now_utc() == at("03-09T00:00")
    assert clock.is_trading_time(0)
    assert clock.next_bar_time(at("03-09T00:00")) == at("03-09T00:00") + MINUTE


def test_waiting_goes_by_the_clock_and_asks_it_again() -> None:
    inner = Stepped(at("03-08T12:00"))
    clock = MarketClock(clock=inner)
    asyncio.run(clock.sleep_until(at("03-08T12:00") + 2_500_000))
    assert inner.instant >= at("03-08T12:00") + 2_500_000
    assert max(inner.waits) == 1.0
    assert len(inner.waits) > 3
    asyncio.run(clock.sleep_until(at("03-08T12:00")))


def test_a_clock_of_other_sessions_is_refused() -> None:
    sessions = build_sessions("XNYS", dt.date(2024, 3, 1), dt.date(2024, 3, 31))
    for calendar, given in (("24x5", sessions), ("XNYS", None), ("24/7", sessions)):
        with pytest.raises(ConfigurationError, match="no sessions of it"):
            MarketClock(calendar, clock=Stepped(0), sessions=given)
    with pytest.raises(ConfigurationError, match="size of a bar"):
        MarketClock(bar_seconds=0, clock=Stepped(0))
