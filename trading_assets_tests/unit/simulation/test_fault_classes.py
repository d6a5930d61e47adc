"""The catalogue of failures in docs/simulation.md: each is injected, survived and tested."""

import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from trading_assets.simulation.campaign import CLASSES, run_schedule
from trading_assets.simulation.fault_plan import TERMINAL_FAULTS, WORLD_FAULTS, Rates
from trading_assets.simulation.feed_campaign import FAULTS as FEED_FAULTS
from trading_assets.simulation.world import Options

ROOT = Path(__file__).parents[3]
NUMBERS = range(1, 36)
TRIES = 600
"""Schedules within which every fault of a row has to come."""


@cache
def rows():
    """Read (name, faults of schedules, faults of the feed, tests) by number."""
    text = (ROOT / "docs" / "simulation.md").read_text()
    found = {}
    for number, name, simulated, tests in re.findall(
        r"^\| (\d+) \| (.+?) \| (.*?)\|(.*?)\|$", text, re.MULTILINE
    ):
        ours, _, feed = simulated.partition("feed:")
        found[int(number)] = (name, *(re.findall(r"`(\w+)`", part) for part in (ours, feed, tests)))
    return found


@cache
def test_names():
    found = set()
    for path in (ROOT / "trading_assets_tests").rglob("test_*.py"):
        found.update(re.findall(r"^(?:async )?def (test_\w+)\(", path.read_text(), re.MULTILINE))
    return found


test_names.__test__ = False


def rates_for(names):
    """Give rates at which these faults come often, and a process ends where one of them is that."""
    wants_crash = not set(names) <= set(CLASSES)
    return Rates(
        network=0.3,
        orders=0.3,
        venue=0.6,
        bar=0.4,
        world=0.6 if set(names) & set(WORLD_FAULTS) else 0.0,
        crash=0.02 if wants_crash else 0.0,
        terminal=1.0 if set(names) & set(TERMINAL_FAULTS) else 0.0,
    )


def test_the_catalogue_is_whole():
    assert list(rows()) == list(NUMBERS)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_class_is_injected_or_tested_by_names_that_exist(number):
    name, _, feed, tests = rows()[number]

    assert tests, f"{number} {name}: no test is named"
    assert set(feed) <= set(FEED_FAULTS)
    assert [test for test in tests if test not in test_names()] == []


@pytest.mark.parametrize("number", [number for number in NUMBERS if rows()[number][1]])
def test_a_book_survives_a_class_that_comes_alone(number):
    name, ours, _, _ = rows()[number]
    options = Options(bars=8, rates=rates_for(ours), only=frozenset(ours))
    met = Counter()
    for seed in range(TRIES):
        world, wrong = run_schedule(seed, options)
        assert wrong == [], f"{number} {name}: seed {seed}"
        met += world.plan.counts + world.failpoints.crashes
        if all(met[fault] >= 3 for fault in ours):
            return
    pytest.fail(f"{number} {name}: only {dict(met)} in {TRIES} schedules")
