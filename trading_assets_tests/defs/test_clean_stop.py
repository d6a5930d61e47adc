from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from trading_assets.defs.clean_stop import EXIT_CODE_OF_THE_WATCHDOG, stop_on_signals

CLEAN = """
import sys
from trading_assets.defs.clean_stop import stop_on_signals
with stop_on_signals(budget_s=30) as stop:
    print("trading", flush=True)
    while not stop.wait(0.05):
        pass
    print("stopping", flush=True)
    sys.stdin.readline()
    print("cancelled orders", flush=True)
print("over", flush=True)
"""
STUBBORN = """
from trading_assets.defs.clean_stop import stop_on_signals
with stop_on_signals(budget_s=0.3) as stop:
    print("trading", flush=True)
    while True:
        stop.wait(60)
        stop.clear()
"""


@pytest.fixture
def spawn() -> Iterator[object]:
    children: list[subprocess.Popen[str]] = []

    def start(program: str) -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        children.append(child)
        assert child.stdout is not None
        assert child.stdout.readline() == "trading\n"
        return child

    yield start
    for child in children:
        child.kill()
        child.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_cleanup_is_not_cut_by_further_signals(spawn: object, number: signal.Signals) -> None:
    child = spawn(CLEAN)  # type: ignore[operator]
    child.send_signal(number)
    assert child.stdout.readline() == "stopping\n"
    for again in (signal.SIGINT, signal.SIGTERM, signal.SIGINT):
        child.send_signal(again)
    out, _ = child.communicate("go on\n", timeout=20)
    assert out == "cancelled orders\nover\n"
    assert child.returncode == 0


def test_a_run_that_does_not_end_loses_its_process(spawn: object) -> None:
    child = spawn(STUBBORN)  # type: ignore[operator]
    child.send_signal(signal.SIGINT)
    assert child.wait(timeout=20) == EXIT_CODE_OF_THE_WATCHDOG


def test_without_a_signal_nothing_is_left_behind() -> None:
    before = signal.getsignal(signal.SIGTERM)
    ended: list[int] = []
    with stop_on_signals(0.0, ended.append) as stop:
        assert not stop.is_set()
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before
    assert ended == []


def test_an_error_inside_passes_through_and_restores_the_handlers() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(RuntimeError, match="venue"), stop_on_signals(1.0):
        raise RuntimeError("venue is gone")
    assert signal.getsignal(signal.SIGINT) is before
