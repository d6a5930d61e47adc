"""A live run in a real `dagster dev` of which parts end; and the eyes that count its traders."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from trading_assets.interfaces.cli.main import app
from trading_assets.simulation.chaos.process_matrix import try_processes
from trading_assets.simulation.chaos.traders import Watcher, traders_of

HOLDER = "import sys; f = open(sys.argv[1], sys.argv[2]); print('open', flush=True); input()"


@pytest.fixture
def hold(tmp_path):
    children = []

    def start(mode):
        child = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(tmp_path / "journal.sqlite"), mode],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        children.append(child)
        assert child.stdout.readline() == b"open\n"
        return child

    yield start
    for child in children:
        child.kill()
        child.communicate()


def test_who_can_write_the_journal_is_a_trader_and_a_reader_is_none(tmp_path, hold):
    journal = tmp_path / "journal.sqlite"
    assert traders_of(journal) == frozenset()

    writers = {hold("a").pid, hold("r+").pid}
    hold("r")

    assert traders_of(journal) == writers
    assert os.getpid() not in traders_of(journal)


def test_two_at_once_are_seen(tmp_path, hold):
    journal = tmp_path / "journal.sqlite"
    with Watcher(journal) as watcher:
        first, second = hold("a"), hold("a")
        while watcher.most < 2:
            assert first.poll() is None
    assert watcher.seen == {first.pid, second.pid}


def test_an_unknown_case_is_refused_with_the_list_of_those_there_are():
    result = CliRunner().invoke(app, ["chaos", "processes", "--case", "earthquake"])

    assert result.exit_code == 2
    assert "Ctrl-C twice" in result.output


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_second_executor_never_trades_and_a_killed_one_is_followed_by_one(tmp_path):
    verdict = try_processes(["a second executor", "kill -9 of the executor"], tmp_path)

    assert verdict.wrong == ()
    assert [row["executors"] for row in verdict.figures["cases"]] == [1, 2]
    assert all(row["looks"] > 10 for row in verdict.figures["cases"])
