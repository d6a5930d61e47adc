"""Who wakes an executor: what people ask, a signal to its process, a supervisor that is silent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from trading_assets.domain.control import HaltLevel
from trading_assets.live.safety.halt_signal import halt_on_signal
from trading_assets.live.safety.latch import read_latch
from trading_assets.live.safety.watchdog import Watchdog
from trading_assets.live.safety.watcher import Watcher


def test_what_is_new_wakes_within_a_moment_and_what_is_old_does_not():
    seen = [0]
    with Watcher(lambda: seen[0], threading.Event()) as watcher:
        assert watcher.wake.wait(5)
        watcher.wake.clear()
        assert not watcher.wake.wait(0.2)
        began, seen[0] = time.monotonic(), 1
        assert watcher.wake.wait(5)
        assert time.monotonic() - began < 1


def test_a_stop_wakes():
    stop = threading.Event()
    with Watcher(lambda: 0, stop) as watcher:
        watcher.wake.wait(5)
        watcher.wake.clear()
        stop.set()
        assert watcher.wake.wait(5)


def test_eyes_that_fail_wake_so_that_the_executor_looks_itself():
    broken = threading.Event()

    def look():
        if broken.is_set():
            raise OSError("no such disk")
        return 0

    with Watcher(look, threading.Event()) as watcher:
        watcher.wake.wait(5)
        watcher.wake.clear()
        broken.set()
        assert watcher.wake.wait(5)


def test_a_signal_puts_the_latch_up_while_the_process_is_busy(tmp_path):
    path = tmp_path / "HALT"
    with halt_on_signal(path) as halted:
        assert halted.latched() is None
        os.kill(os.getpid(), signal.SIGUSR1)
        assert halted.latched().level is HaltLevel.HALT
        assert (read_latch(path).source, read_latch(path).reason) == ("signal", "SIGUSR1")
        halted.lift()
        assert halted.latched() is None
    assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL


def test_a_signal_halts_where_the_disk_takes_no_file_and_changes_no_latch(tmp_path):
    with halt_on_signal(tmp_path / "nowhere" / "HALT") as halted:
        os.kill(os.getpid(), signal.SIGUSR1)
        assert halted.latched() is not None
    path = tmp_path / "HALT"
    path.write_text("mine")
    with halt_on_signal(path):
        os.kill(os.getpid(), signal.SIGUSR1)
    assert path.read_text() == "mine"


BLOCKED = """
import socket, sys
from pathlib import Path
from trading_assets.live.safety.halt_signal import halt_on_signal
a, b = socket.socketpair()
with halt_on_signal(Path(sys.argv[1])):
    print("ready", flush=True)
    a.recv(1)
"""


def test_a_signal_is_heard_by_a_process_that_waits_for_an_answer(tmp_path):
    child = subprocess.Popen(
        [sys.executable, "-c", BLOCKED, str(tmp_path / "HALT")], stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout.readline() == "ready\n"
        child.send_signal(signal.SIGUSR1)
        deadline = time.monotonic() + 10
        while read_latch(tmp_path / "HALT") is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert child.poll() is None
    finally:
        child.kill()
        child.communicate()


def test_elsewhere_than_in_the_main_thread_the_signal_stays_what_it_was(tmp_path):
    found = []

    def enter():
        with halt_on_signal(tmp_path / "HALT"):
            found.append(signal.getsignal(signal.SIGUSR1))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert found == [signal.SIG_DFL]


@pytest.fixture
def silence(tmp_path):
    class Silence:
        path: Path = tmp_path / "supervisor"
        now = 100.0
        touches = 0

        def touch(self):
            self.touches += 1
            self.path.touch()
            os.utime(self.path, ns=(self.touches, self.touches))

    return Silence()


def test_a_supervisor_that_is_silent_too_long_pauses_entries_once(silence):
    dog = Watchdog(silence.path, 30.0, lambda: silence.now)
    silence.touch()
    for now in (100, 130, 159.9):
        silence.now = now
        assert dog.look() is None
        silence.touch() if now == 130 else None
    silence.now = 190
    request = dog.look()
    assert (request.level, request.source) == (HaltLevel.PAUSE, "watchdog")
    assert dog.look() is None
    silence.touch()
    assert dog.look() is None
    silence.now = 221
    assert dog.look() is not None


def test_a_supervisor_that_never_comes_is_a_silence_and_none_is_none(silence):
    dog, free = (Watchdog(silence.path, s, lambda: silence.now) for s in (30.0, 0.0))
    silence.now = 131
    assert dog.look() is not None
    assert free.look() is None
