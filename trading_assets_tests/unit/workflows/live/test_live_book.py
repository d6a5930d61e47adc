"""Where a book lives, who may trade it, and with whose money."""

from __future__ import annotations

import pytest

from trading_assets.domain.errors import ConfigurationError, LeaseHeld, RecoveryError
from trading_assets.live.lease import Lease
from trading_assets.workflows.live_book import live_book, set_aside, venue_client
from trading_assets.workflows.live_release import hand_over_of

_REAL = {
    "TA_BOOKS__REAL__VENUE": "binance",
    "TA_BOOKS__REAL__ACCOUNT": "main",
    "TA_BINANCE_API_KEY": "key-of-the-test",
    "TA_BINANCE_API_SECRET": "secret-of-the-test",
}


def test_a_book_of_the_settings_is_found(make_desk):
    settings = make_desk().settings
    book = live_book(settings, "demo")

    assert book.folder == settings.data_root / "live" / "demo"
    assert book.lease == settings.data_root / "live" / "embedded-demo.lock"
    assert (book.traded, live_book(settings, "paper").traded) == ("paper", "paper")
    assert not book.is_running
    with pytest.raises(ConfigurationError, match="No such book"):
        live_book(settings, "nobody")


def test_a_book_without_a_journal_says_how_to_get_one(make_desk):
    with pytest.raises(RecoveryError, match="trading-assets live"):
        live_book(make_desk().settings, "demo").journal()


def test_a_journal_is_set_aside_and_never_under_a_running_executor(make_desk):
    book = live_book(make_desk().settings, "demo")
    assert set_aside(book) is None
    for number in (1, 2):
        book.folder.mkdir(parents=True)
        (book.folder / "journal.sqlite").write_text("x")
        assert set_aside(book).name == f"demo.old-{number}"
    book.folder.mkdir()
    with Lease(book.lease), pytest.raises(LeaseHeld):
        set_aside(book)

    assert book.folder.is_dir()


def test_an_embedded_venue_is_reached_on_loopback_with_short_patience(make_desk):
    settings = make_desk(TA_EXCHANGE__PORT="9123").settings
    client = venue_client(settings, live_book(settings, "demo"))

    assert client.API_URL == "http://127.0.0.1:9123/api"
    assert client._requests_params["timeout"] == 2.0
    client.close_connection()


def test_play_money_of_the_real_venue_needs_both_keys(make_desk):
    url = {"TA_BINANCE__API_URL": "https://testnet.binance.vision/api"}
    settings = make_desk(**_REAL, **url).settings
    venue_client(settings, live_book(settings, "real")).close_connection()
    without = {k: v for k, v in _REAL.items() if not k.endswith("SECRET")}
    settings = make_desk(**without, **url).settings
    with pytest.raises(ConfigurationError, match="no key"):
        venue_client(settings, live_book(settings, "real"))


def test_a_book_leaves_a_release_by_its_own_setting_where_it_has_one(make_desk):
    settings = make_desk(
        TA_LIVE__HAND_OVER_BARS="7",
        TA_BOOKS__DEMO__HAND_OVER="carry",
        TA_BOOKS__DEMO__HAND_OVER_BARS="0",
    ).settings
    assert hand_over_of(settings, live_book(settings, "demo")) == ("carry", 0)
    assert hand_over_of(settings, live_book(settings, "paper")) == ("when_flat", 7)
    with pytest.raises(ConfigurationError, match="hand_over"):
        make_desk(TA_BOOKS__DEMO__HAND_OVER="at_once")
