"""Snapshots beside the replay of their day, also those that another version has saved."""

from datetime import date
from decimal import Decimal
from types import SimpleNamespace

import pytest

from trading_assets.domain.control import StrategyLimits
from trading_assets.domain.strategy_events import StrategyStopped, StrategyTightened
from trading_assets.settings import load_settings
from trading_assets.workflows.live_book import live_book
from trading_assets.workflows.replay_live_day import replay_live_day
from trading_assets_tests.stand_ins.written_book import START, release_of_btc, written_book


@pytest.fixture
def replayed(tmp_path):
    """Give the report of a day on which a book was opened and a snapshot of it was saved."""
    settings = load_settings({"TA_HOME": str(tmp_path)}).settings
    release = release_of_btc()
    releases = SimpleNamespace(get={release.release_id: release}.__getitem__)

    def replay(change):
        with written_book(live_book(settings, "paper"), release) as book:
            book.save(change)
        desk = SimpleNamespace(settings=settings, releases=releases)
        return replay_live_day(desk, "paper", date(2024, 4, 1))

    return replay


def test_a_snapshot_of_this_version_is_the_same_to_the_byte(replayed):
    report = replayed(lambda book: None)
    assert (report.snapshots, report.snapshots_differ, report.snapshots_older) == (1, 0, 0)
    assert report.differences == ()


def test_what_people_said_of_a_strategy_is_replayed_to_the_byte(tmp_path):
    settings = load_settings({"TA_HOME": str(tmp_path)}).settings
    release = release_of_btc()
    with written_book(live_book(settings, "paper"), release) as book:
        book.happen(StrategyStopped(START, "mine", "earnings", "ann", 1))
        book.happen(StrategyTightened(START, "mine", StrategyLimits(Decimal("0.5")), 2))
        book.save()
    releases = SimpleNamespace(get={release.release_id: release}.__getitem__)
    report = replay_live_day(
        SimpleNamespace(settings=settings, releases=releases), "paper", date(2024, 4, 1)
    )
    assert (report.snapshots, report.snapshots_differ) == (1, 0)
    assert report.is_equal


@pytest.mark.parametrize(
    "change",
    [lambda book: book.pop("turmoil"), lambda book: book.update(gone=1)],
    ids=["a field is new", "a field is gone"],
)
def test_an_upgrade_makes_no_day_inexact(replayed, change):
    report = replayed(change)
    assert (report.snapshots, report.snapshots_differ, report.snapshots_older) == (1, 0, 1)
    assert report.is_equal
    assert "is of another version" in report.differences[0]


@pytest.mark.parametrize(
    "change",
    [
        lambda book: book.update(exits=3),
        lambda book: (book.pop("turmoil"), book.update(exits=3)),
    ],
    ids=["same fields", "another version"],
)
def test_another_state_differs_whatever_the_version(replayed, change):
    report = replayed(change)
    assert (report.snapshots, report.snapshots_differ, report.snapshots_older) == (1, 1, 0)
    assert not report.is_equal
