"""Many schedules, crash points and planted faults."""

import gc
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from trading_assets.domain.errors import ConfigurationError
from trading_assets.interfaces.cli.main import app
from trading_assets.simulation.campaign import CLASSES, Tally, run_campaign, run_seeds
from trading_assets.simulation.crashpoints import cross_all
from trading_assets.simulation.mutants import read_mutants, try_mutants
from trading_assets.simulation.replay_check import differing_seeds

MUTANTS = Path(__file__).with_name("mutants.json")


def call(*arguments):
    return CliRunner().invoke(app, ["sim", *arguments])


@pytest.fixture(scope="module")
def tally():
    return run_seeds(1_000, 1_120)


def test_schedules_are_good_and_busy(tally):
    assert tally.wrong == []
    assert tally.schedules == 120
    assert tally.bars > 450
    assert tally.orders > 280
    assert tally.network_faults > 500
    assert tally.crashes.total() > 40


def test_each_class_of_fault_is_drawn(tally):
    missing = [name for name in CLASSES if not tally.faults[name]]

    assert len(missing) <= 2, missing  # the rarest may stay away from so few schedules


def test_a_tally_is_that_of_its_parts_whatever_their_size(tally):
    whole = run_campaign(1_000, 1_120)

    assert whole.to_json() | {"digest": "", "schedules_per_cpu_s": 0} == tally.to_json() | {
        "digest": "",
        "schedules_per_cpu_s": 0,
    }


@pytest.mark.long
@pytest.mark.slow
def test_a_tally_does_not_depend_on_the_number_of_processes():
    assert run_campaign(0, 100).digest == run_campaign(0, 100, jobs=2).digest


def test_too_few_faults_prove_nothing():
    empty = Tally(schedules=1_000)

    told = empty.shortfalls()

    assert told[0] == "network faults: 0 in 1000 schedules, at least 5 each"
    assert len(told) == 2 + len(CLASSES)


@pytest.mark.parametrize(("first", "stop", "jobs"), [(5, 5, 1), (-1, 3, 1), (0, 3, 0)])
def test_a_range_without_seeds_is_refused(first, stop, jobs):
    with pytest.raises(ConfigurationError, match="No such range of seeds"):
        run_campaign(first, stop, jobs=jobs)


def test_a_process_may_end_at_any_point_of_a_small_schedule():
    found = cross_all(2, 3, bars=2)

    assert found.wrong == []
    assert found.points > 60
    assert {"before_commit", "after_commit", "before_send", "before_reply"} <= set(found.crashes)


@pytest.mark.long
@pytest.mark.slow
def test_a_process_may_end_at_any_point_of_ten_schedules():
    found = cross_all(0, 10, bars=5)

    assert found.wrong == []
    assert found.points > 1_500


@pytest.mark.slow
def test_each_seed_leaves_the_same_bytes_in_processes_of_other_hash_seeds():
    assert differing_seeds(0, 100) == []


# Planted faults


def test_the_list_of_planted_faults_fits_the_present_source():
    assert len(read_mutants(MUTANTS)) >= 25


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "sent again when the answer is lost",
        "sent before it is written",
        "the engine not told that an order has ended",
        "balances not compared",
    ],
)
def test_a_planted_fault_is_noticed(name):
    (mutant,) = (m for m in read_mutants(MUTANTS) if m.name == name)

    (found,) = try_mutants((mutant,), seeds=2_000, jobs=1)

    assert found.is_killed, found


@pytest.mark.slow
def test_an_edit_that_changes_nothing_is_not_noticed(tmp_path):
    harmless = [
        {
            "name": "nothing",
            "path": "live/resolution.py",
            "old": "_LONGEST_PAUSE_S = 8.0",
            "new": "_LONGEST_PAUSE_S = 8.00",
        }
    ]
    path = tmp_path / "mutants.json"
    path.write_text(json.dumps(harmless))

    (found,) = try_mutants(read_mutants(path), seeds=40, jobs=1)

    assert not found.is_killed
    assert found.schedules == 40


def test_an_edit_that_fits_nowhere_is_refused(tmp_path):
    path = tmp_path / "mutants.json"
    path.write_text(json.dumps([{"name": "x", "path": "live/feed.py", "old": "?!", "new": ""}]))

    with pytest.raises(ConfigurationError, match=r"Mutant x cannot be planted.*found 0 times"):
        read_mutants(path)


@pytest.mark.parametrize("text", ["{}", "[]", '[{"name": 1}]', "x"])
def test_a_file_that_is_no_list_of_edits_is_refused(tmp_path, text):
    path = tmp_path / "m.json"
    path.write_text(text)

    with pytest.raises(ConfigurationError, match="no list of mutants"):
        read_mutants(path)


# The command line


def test_a_run_prints_one_line_of_json_and_says_what_was_too_rare():
    done = call("run", "--seeds", "0:20")

    told = json.loads(done.stdout.splitlines()[0])
    assert told["schedules"] == 20
    assert told["duplicates"] == told["lost"] == 0
    assert done.exit_code == (1 if told["too_few"] else 0)


def test_one_schedule_is_told_from_its_seed():
    done = call("replay", "3")

    assert done.exit_code == 0
    assert "SessionOpened" in done.stdout
    assert json.loads(done.stdout.splitlines()[-1])["violations"] == []


def test_a_range_that_is_none_is_refused():
    assert isinstance(call("run", "--seeds", "7").exception, ConfigurationError)


def test_schedules_that_are_over_are_not_kept_in_memory():
    run_seeds(0, 3)
    run_seeds(3, 6)  # what is loaded on first use is loaded by now
    frozen = gc.get_freeze_count()
    run_seeds(6, 12)
    assert gc.get_freeze_count() - frozen < 100
