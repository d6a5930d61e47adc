"""Polygon's stream: who is let in, what is lost and found again, what came late."""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from trading_assets.adapters.polygon_live import PolygonLive
from trading_assets.domain.bar import MINUTE, Bar
from trading_assets.domain.errors import VenueError, VenueUnavailable
from trading_assets.domain.ids import Micros, Symbol
from trading_assets.market.live_minutes import LiveFeed, Revision
from trading_assets.settings import load_settings
from trading_assets.workflows.history_sources import traits_of
from trading_assets.workflows.vendor_sources import polygon_live
from trading_assets_tests.stand_ins.clock import JumpingClock
from trading_assets_tests.stand_ins.polygon import PolygonStandIn
from trading_assets_tests.stand_ins.polygon_stream import (
    PolygonStream,
    aggregate,
    polygon_stream,
    status,
)
from trading_assets_tests.stand_ins.server import failing

A, B = Symbol("AAPL"), Symbol("MSFT")
START: Micros = 1_764_600_000_000_000  # 2025-12-01 14:40
OpenFeed = Callable[..., Any]


@pytest.fixture
def clock() -> JumpingClock:
    return JumpingClock(START)


@pytest.fixture
def stream() -> Iterator[PolygonStream]:
    with polygon_stream() as running:
        yield running


@pytest.fixture
def open_feed(
    tmp_path: Path, clock: JumpingClock, stream: PolygonStream, polygon_server: PolygonStandIn
) -> Iterator[OpenFeed]:
    """Open the feed of some symbols as a desk does; the vendor calls AAPL something else."""
    polygon_server.list_dates |= {"APPLE": "1980-12-12", "MSFT": "1986-03-13"}
    with ExitStack() as opened:

        def open_one(*symbols: Symbol, first: Micros | None = None, **options: Any) -> LiveFeed:
            facts = {"url": polygon_server.url, "stream_url": stream.url, "delay_minutes": 0}
            facts |= {"requests_per_minute": 1000, "timeout_s": 5, **options}
            lines = ["[sources.vendor]", 'kind = "polygon"']
            lines += [f"{name} = {value!r}" for name, value in facts.items()]
            lines += ["[instruments.AAPL]", 'vendor_symbol = "APPLE"']
            (tmp_path / "trading_assets.toml").write_text("\n".join(lines))
            environ = {"TA_HOME": str(tmp_path), "TA_POLYGON_API_KEY": polygon_server.key}
            settings = load_settings(environ).settings
            traits, declared = traits_of(settings, "vendor"), settings.sources["vendor"]
            feed = polygon_live(
                settings, clock, traits, declared, symbols=symbols or (A,), first=first
            )
            return opened.enter_context(feed)

        yield open_one


def ms(minute: int) -> int:
    return (START + minute * MINUTE) // 1000


def minute_of(event: Bar | Revision) -> int:
    return (event.ts - START) // MINUTE


def take(feed: LiveFeed, count: int, *, wait_s: float = 5) -> list[Bar | Revision]:
    """Give events; without a wait where they come from the history, and no frame will."""
    found: list[Bar | Revision] = []
    for _ in range(5):
        found += feed.events(wait_s)
        if len(found) >= count:
            return found
    raise AssertionError(f"{found}, {feed.trouble}")


def test_bars_have_the_names_of_the_desk_and_nothing_that_the_stream_does_not_tell(
    open_feed: OpenFeed, stream: PolygonStream, clock: JumpingClock
) -> None:
    stream.early = [aggregate("MSFT", ms(0))]  # between two confirmations
    feed = open_feed(A, B)
    feed.events(0)
    clock.instant += MINUTE
    stream.send(aggregate("APPLE", ms(0), v=12))
    apple, microsoft = take(feed, 2)
    assert (apple.symbol, apple.ts, apple.volume) == (A, START, 12.0)
    assert (apple.quote_volume, apple.n_trades) == (None, None)
    assert microsoft.symbol == B
    assert [message["action"] for message in stream.received] == ["auth", "subscribe"]
    assert stream.received[1]["params"] == "AM.APPLE,AM.MSFT"


def test_a_wrong_key_ends_it_and_no_message_or_log_shows_a_key(
    open_feed: OpenFeed, stream: PolygonStream, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shown, stream.key = stream.key, "another"
    feed = open_feed()
    with pytest.raises(VenueError, match=r"TA_POLYGON_API_KEY") as refused:
        feed.events(0)
    assert "bad [key]" in str(refused.value)
    stream.key = shown
    feed.events(0)
    ours = [r.getMessage() for r in caplog.records if r.name != "websockets.server"]
    assert shown in caplog.text  # the other end logs what it receives
    assert shown not in str(refused.value) + "\n".join(ours)


def test_what_a_plan_does_not_include_is_told_in_the_vendors_words(
    open_feed: OpenFeed, stream: PolygonStream
) -> None:
    stream.answers["subscribe"] = [status("error", "not authorized")]
    with pytest.raises(VenueError, match=r"error: not authorized.*plan includes"):
        open_feed().events(0)


@pytest.mark.parametrize("name", ["max_connections", "auth_timeout"])
def test_a_full_house_is_tried_again_after_a_pause(
    open_feed: OpenFeed, stream: PolygonStream, clock: JumpingClock, name: str
) -> None:
    greeting, stream.greeting = stream.greeting, [status(name, "Maximum exceeded")]
    feed = open_feed()
    for _ in range(6):
        assert feed.events(1) == []
        assert isinstance(feed.trouble, VenueUnavailable)
    assert len(stream.connections) < 6
    assert clock.waits[:2] == [0.25, 0.5]
    stream.greeting = greeting
    clock.instant += MINUTE
    feed.events(0)
    assert feed.trouble is None


def test_a_feed_that_another_program_has_taken_does_not_fight_for_it(
    open_feed: OpenFeed, stream: PolygonStream
) -> None:
    feed = open_feed()
    feed.events(0)
    stream.send(status("max_connections", "Maximum number of connections exceeded."))
    with pytest.raises(VenueError, match="Another connection with the same key"):
        feed.events(5)


def test_what_passed_without_a_connection_comes_from_the_history_and_first(
    open_feed: OpenFeed, stream: PolygonStream, clock: JumpingClock
) -> None:
    feed = open_feed()
    feed.events(0)
    clock.instant += MINUTE
    stream.send(aggregate("APPLE", ms(0)))
    assert [minute_of(bar) for bar in take(feed, 1)] == [0]
    stream.drop()
    clock.instant += 3 * MINUTE + 1_000_000
    assert feed.events(5) == []
    assert feed.trouble is not None
    found = take_after_reconnect(feed, stream, clock)
    assert [minute_of(bar) for bar in found] == [1, 2, 3, 4]
    assert [bar.n_trades for bar in found] == [12, 12, 12, None]
    assert feed.trouble is None


def take_after_reconnect(
    feed: LiveFeed, stream: PolygonStream, clock: JumpingClock
) -> list[Bar | Revision]:
    while feed.trouble is not None:
        assert feed.events(1) == []
    clock.instant = START + 5 * MINUTE + 1_000_000
    stream.send(aggregate("APPLE", ms(4)))
    return take(feed, 4)


def test_nothing_is_given_while_the_history_does_not_answer(
    open_feed: OpenFeed,
    stream: PolygonStream,
    clock: JumpingClock,
    polygon_server: PolygonStandIn,
) -> None:
    polygon_server.faults = [failing(503)] * 2
    feed = open_feed(first=START - 2 * MINUTE, max_attempts=1)
    clock.instant += 10_000_000
    assert feed.events(0) == []
    assert "Polygon cannot answer" in str(feed.trouble)
    clock.instant += MINUTE
    stream.send(aggregate("APPLE", ms(0)))
    assert feed.events(5) == []  # the second fault
    clock.instant += MINUTE
    assert [minute_of(bar) for bar in take(feed, 3, wait_s=0)] == [-2, -1, 0]
    assert feed.trouble is None


def test_a_history_that_is_late_by_the_plan_is_waited_for(
    open_feed: OpenFeed, stream: PolygonStream, clock: JumpingClock
) -> None:
    feed = open_feed(first=START - MINUTE, delay_minutes=3)
    feed.events(0)
    clock.instant += 2 * MINUTE
    stream.send(aggregate("APPLE", ms(0)), aggregate("APPLE", ms(1)))
    assert feed.events(5) == []
    with pytest.raises(VenueUnavailable, match="3 minutes late"):
        list(feed.bars(A, START - MINUTE, START))
    clock.instant += MINUTE
    assert [minute_of(bar) for bar in take(feed, 3, wait_s=0)] == [-1, 0, 1]


def test_a_delayed_stream_is_on_its_own_time(
    open_feed: OpenFeed, stream: PolygonStream, clock: JumpingClock
) -> None:
    feed = open_feed(stream_delay_minutes=15)
    feed.events(0)
    clock.instant += MINUTE
    stream.send(aggregate("APPLE", ms(-15)))
    assert [minute_of(bar) for bar in take(feed, 1)] == [-15]


def test_late_repeated_and_replaced_bars_are_told_apart(
    open_feed: OpenFeed, stream: PolygonStream, clock: JumpingClock
) -> None:
    feed = open_feed(A, B)
    feed.events(0)
    clock.instant += 2 * MINUTE
    swapped = aggregate("APPLE", ms(1)), aggregate("APPLE", ms(0))
    stream.send(*swapped, aggregate("APPLE", ms(0), v=1), aggregate("MSFT", ms(1)))
    first, *_ = take(feed, 3)
    assert (minute_of(first), first.volume) == (0, 1.0)
    stream.send(
        aggregate("APPLE", ms(0), v=1), aggregate("MSFT", ms(0)), aggregate("APPLE", ms(1), v=2)
    )
    late, revised = take(feed, 2)
    assert (late.symbol, minute_of(late), late.was) == (B, 0, None)
    assert (revised.symbol, revised.was.volume, revised.now.volume) == (A, 1500.0, 2.0)


def test_what_the_history_says_otherwise_later_is_a_revision(
    open_feed: OpenFeed,
    stream: PolygonStream,
    clock: JumpingClock,
    polygon_server: PolygonStandIn,
) -> None:
    feed = open_feed()
    feed.events(0)
    clock.instant += 2 * MINUTE
    stream.send(aggregate("APPLE", ms(0)), aggregate("APPLE", ms(1)))
    assert len(take(feed, 2)) == 2
    polygon_server.rewrite = lambda _: [
        {"o": 5, "h": 5, "l": 5, "c": 5, "v": 9, "n": 1, "t": ms(0)}
    ]
    clock.instant = START + 31 * MINUTE - 1
    assert feed.events(0) == []
    clock.instant += 1
    changed, gone = take(feed, 2, wait_s=0)
    assert (minute_of(changed), changed.was.volume, changed.now.volume) == (0, 1500.0, 9.0)
    assert (minute_of(gone), gone.now) == (1, None)


@pytest.mark.parametrize(
    "fields",
    [{"h": 0.5}, {"e": 0}, {"s": 1, "e": 60_001}, {"o": None}, {"v": -1}, {"sym": "OTHER"}],
)
def test_a_bar_that_cannot_be_is_not_given_and_the_history_is_asked(
    open_feed: OpenFeed, stream: PolygonStream, clock: JumpingClock, fields: dict[str, Any]
) -> None:
    feed = open_feed()
    feed.events(0)
    clock.instant += MINUTE
    stream.send(aggregate("APPLE", ms(0)) | fields)
    assert feed.events(5) == []
    assert "cannot be used" in str(feed.trouble)
    clock.instant += 10_000_000
    (bar,) = take(feed, 1, wait_s=0)
    assert (minute_of(bar), bar.n_trades) == (0, 12)


def test_a_frame_that_is_no_list_opens_the_stream_again(
    open_feed: OpenFeed, stream: PolygonStream
) -> None:
    feed = open_feed()
    feed.events(0)
    stream.send_text("<html>")
    assert feed.events(5) == []
    assert "cannot be read" in str(feed.trouble)


def test_it_is_a_bar_source_that_begins_with_the_vendors_history(
    open_feed: OpenFeed, stream: PolygonStream, clock: JumpingClock
) -> None:
    feed: PolygonLive = open_feed()
    past = list(feed.bars(A, START - 3 * MINUTE, START))
    assert [minute_of(bar) for bar in past] == [-3, -2, -1]
    clock.instant += MINUTE
    stream.send(aggregate("APPLE", ms(0)))
    take(feed, 1)
    both = list(feed.bars(A, START - MINUTE, START + MINUTE))
    assert [minute_of(bar) for bar in both] == [-1, 0]
    stream.drop()
    feed.events(5)
    with pytest.raises(VenueUnavailable, match="lost"):
        list(feed.bars(A, START, START + MINUTE))
