"""What holds for every vendor with a key: secrecy, patience, and whole answers only."""

import logging
import traceback
from typing import Any

import pytest

from trading_assets.domain.errors import (
    ConfigurationError,
    RateLimited,
    UnknownSymbol,
    VenueError,
    VenueUnavailable,
)
from trading_assets.domain.ids import Month, Symbol
from trading_assets_tests.stand_ins import server as faults

BTC = Symbol("BTCUSDT")
MARCH = Month(2024, 3)

SECRET = "secret/of+the=desk"


def listed(source: Any) -> Any:
    return source.listing(BTC, MARCH).objects[0]


@pytest.mark.parametrize(
    "fault",
    [
        faults.limited("3600"),
        faults.failing(500),
        faults.half,
        faults.cut_off,
        faults.silent,
        faults.page_of_html,
    ],
)
def test_the_key_is_in_no_log_no_error_and_no_byte(
    server: Any, open_vendor: Any, fault: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.key = SECRET
    source = open_vendor(server, max_attempts=1, timeout_s=0.5)
    wanted = listed(source)
    data = source.fetch(BTC, wanted)
    server.faults = [fault]
    with pytest.raises(VenueError) as caught:
        source.fetch(BTC, wanted)
    said = "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
    chain = [caught.value, caught.value.__context__, caught.value.__cause__]
    said += "".join(str(getattr(error, "request", "")) + str(error) for error in chain)
    logged = "\n".join(f"{r.getMessage()} {r.args}" for r in caplog.records)
    assert "HTTP Request: GET" in logged
    for form in (SECRET, "secret%2Fof", "secret/of", "secret%2fof"):
        assert form not in said
        assert form not in logged
        assert form.encode() not in data
        assert form not in repr(vars(source))


def test_a_vendor_that_repeats_a_wrong_key_is_quoted_without_it(
    server: Any, open_vendor: Any
) -> None:
    source = open_vendor(server, key="a-wrong-key")
    with pytest.raises(VenueError, match=r"HTTP 401 .*\[key\].*_API_KEY") as caught:
        listed(source)
    assert "a-wrong-key" not in "".join(traceback.format_exception(caught.value))
    assert caught.value.status == 401
    assert len(server.asked) == 1


def test_a_source_without_a_key_says_which_variable(server: Any, open_vendor: Any) -> None:
    server.key = ""
    with pytest.raises(ConfigurationError, match=r"TA_\w+_API_KEY, or a file \w+_api_key"):
        open_vendor(server)


def test_a_limit_is_obeyed_in_seconds_and_as_a_date(
    server: Any, open_vendor: Any, clock: Any
) -> None:
    source = open_vendor(server)
    wanted = listed(source)
    server.faults = [faults.limited("7"), faults.limited("Thu, 01 Jan 2026 00:00:20 GMT")]
    assert source.fetch(BTC, wanted)
    assert clock.waits == [7.0, 13.0]
    server.faults = [faults.limited("7200")]
    with pytest.raises(RateLimited) as caught:
        source.fetch(BTC, wanted)
    assert caught.value.retry_after_ms == 7_200_000
    assert clock.waits == [7.0, 13.0]


@pytest.mark.parametrize(
    "fault", [faults.failing(500), faults.half, faults.cut_off, faults.silent, faults.page_of_html]
)
def test_a_bad_answer_is_asked_for_again_and_then_named(
    server: Any, open_vendor: Any, clock: Any, fault: Any
) -> None:
    source = open_vendor(server, max_attempts=3, timeout_s=0.5)
    wanted = listed(source)
    good = source.fetch(BTC, wanted)
    server.faults = [fault, fault]
    assert source.fetch(BTC, wanted) == good
    assert clock.waits == [0.25, 0.5]
    asked = len(server.asked)
    server.faults = [fault] * 3
    with pytest.raises(VenueUnavailable, match="bars of BTCUSDT from 2024-03-01"):
        source.fetch(BTC, wanted)
    assert len(server.asked) == asked + 3


def test_what_is_labelled_wrong_but_whole_is_read(server: Any, open_vendor: Any) -> None:
    source = open_vendor(server)
    wanted = listed(source)
    good = source.fetch(BTC, wanted)
    server.faults = [lambda reply: faults.Reply(reply.body, headers={"Content-Type": "text/html"})]
    assert source.fetch(BTC, wanted) == good


def test_the_rate_of_the_declaration_is_kept(server: Any, open_vendor: Any, clock: Any) -> None:
    source = open_vendor(server, requests_per_minute=2)
    wanted = listed(source)
    for _ in range(4):
        source.fetch(BTC, wanted)
    assert clock.waits == [60.0, 60.0]


def test_a_redirect_is_not_followed(server: Any, open_vendor: Any) -> None:
    source = open_vendor(server)
    wanted = listed(source)
    elsewhere = {"Location": "http://127.0.0.1:9/steal"}
    server.faults = [lambda _: faults.Reply(b"", 302, elsewhere)]
    with pytest.raises(VenueError, match="HTTP 302"):
        source.fetch(BTC, wanted)


def test_instruments_are_as_declared_and_missing_keys_are_named(
    server: Any, open_vendor: Any
) -> None:
    source = open_vendor(server, "quote = 'USDT'\ntick = 0.01")
    with pytest.raises(UnknownSymbol, match=r"\[instruments.BTCUSDT\]; found no lot"):
        source.instruments((BTC,))
    full = "base = 'BTC'\nquote = 'USDT'\ntick = 0.01\nlot = 0.001\ncalendar = '24/7'"
    (instrument,) = open_vendor(server, full).instruments((BTC,))
    assert (instrument.base, instrument.quote, str(instrument.lot)) == ("BTC", "USDT", "0.001")


def test_windows_have_the_same_names_in_every_run_and_others_at_another_address(
    server: Any, open_vendor: Any, clock: Any
) -> None:
    source = open_vendor(server)
    objects = source.listing(BTC, MARCH).objects
    clock.instant += 10**13
    assert source.listing(BTC, MARCH).objects == objects
    server.url = server.url.replace("127.0.0.1", "localhost")
    others = open_vendor(server).listing(BTC, MARCH).objects
    assert {item.name for item in others}.isdisjoint(item.name for item in objects)
