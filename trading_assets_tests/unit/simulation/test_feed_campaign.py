"""Feeds of bad venues: the schedules are good, and the judge would say if they were not."""

import json

import pytest
from typer.testing import CliRunner

from trading_assets.domain.bar import MINUTE
from trading_assets.interfaces.cli.main import app
from trading_assets.live.feed import BarFeed
from trading_assets.live.lane import Lane
from trading_assets.simulation.feed_campaign import FAULTS, FeedTally, FeedWorld, run_feeds


def test_schedules_are_good_and_every_fault_is_drawn():
    found = run_feeds(0, 150)

    assert found.wrong == []
    assert found.shortfalls() == []
    assert found.bars > 1_500
    assert found.incomplete > 50


def test_the_same_seed_is_the_same_schedule():
    first, second = FeedWorld(3), FeedWorld(3)
    first.run()
    second.run()

    assert (first.polls, first.bars, first.venue.counts) == (
        second.polls,
        second.bars,
        second.venue.counts,
    )


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (lambda feed, events: [*events, *events[-1:]], "repeated"),
        (lambda feed, events: events[1:], "missed"),
    ],
)
def test_a_feed_that_repeats_or_skips_is_noticed(monkeypatch, broken, said):
    honest = BarFeed.poll
    monkeypatch.setattr(BarFeed, "poll", lambda feed, now: broken(feed, honest(feed, now)))

    found = run_feeds(0, 20)

    assert any(what.startswith(said) for _, what in found.wrong)


def test_a_hole_that_is_not_asked_for_again_is_noticed(monkeypatch):
    def jump(lane):
        lane._missing = max([lane._missing, *(ts + MINUTE for ts in lane._minutes)])

    monkeypatch.setattr(Lane, "note_holes", jump)
    monkeypatch.setattr(Lane, "is_whole", lambda lane, ts: lane._missing >= lane.grid.close_of(ts))

    assert any(what.startswith("wrong") for _, what in run_feeds(0, 40).wrong)


def test_too_few_faults_prove_nothing():
    assert FeedTally(schedules=1_000).shortfalls() == list(FAULTS)


def test_the_command_tells_one_line():
    result = CliRunner().invoke(app, ["sim", "feed", "--seeds", "0:60"])

    told = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (told["schedules"], told["missed"], told["duplicates"]) == (60, 0, 0)
