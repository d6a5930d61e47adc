"""Six ways to stop a book, each pulled as whoever has it pulls it, from outside of the executor."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import httpx

from trading_assets.simulation.chaos.rig import BOOK, Rig

WAYS = ("cli", "http", "dagster", "file", "signal", "watchdog")
SUPERVISOR_S = 1.0
"""How long the executor trades on unwatched; ten times the pause between two touches, so that a
busy machine does not pull the sixth trigger by itself."""
_TOUCH_S = 0.1
_PATIENCE_S = 60.0
_WORDS = ("--reason", "chaos", "--by", "chaos", "--book", BOOK)
_CLI = "from trading_assets.interfaces.cli.main import main; main()"
_HANDS = f"""
import json, os, sys, time
import dagster as dg
from trading_assets.definitions import defs
from trading_assets.interfaces.cli import control  # else the first command would load it
from trading_assets.interfaces.cli.main import app

answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # what commands and Dagster say is for the log
job = defs.resolve_job_def("halt_book")
config = {{"ops": {{"put_up_latch": {{"config": {{"book": "{BOOK}"}}}}}}}}

def answer():
    print(time.monotonic(), file=answers, flush=True)

with dg.DagsterInstance.ephemeral() as instance:
    answer()
    for line in sys.stdin:
        words = json.loads(line)
        if words == ["dagster"]:
            job.execute_in_process(run_config=config, instance=instance)
        else:
            app(words, standalone_mode=False)
        answer()
"""
"""The command line and Dagster in one warm process, which loads both once: it takes the words of a
command per line and answers with its monotonic time, which is the machine's, when the call has
returned. Dagster's home is not here, so this is a program of its own and no import."""


class Triggers:
    """Hands on the six triggers of one book; `close` lets go of them, also after a failure."""

    def __init__(self, rig: Rig) -> None:
        """Start the programs that people halt a book with, and the watch over the executor."""
        self._rig = rig
        self._log = (rig.home / "triggers.log").open("ab")
        self._client = httpx.Client(timeout=_PATIENCE_S, trust_env=False)
        self._hands = self._program(_HANDS)
        self._control = self._program(_CLI, "control", "serve", "--port", "0")
        self._address = ""
        self._pulls: dict[str, Callable[[], float]] = {
            "cli": lambda: self._command("halt", *_WORDS),
            "http": self._post,
            "dagster": lambda: self._command("dagster"),
            "file": self._touch_latch,
            "signal": self._send_signal,
            "watchdog": self._look_away,
        }
        self._watching = threading.Lock()
        self._is_watched = True
        self._touched_s = 0.0
        self._ended = threading.Event()
        self._supervisor = threading.Thread(target=self._supervise, name="supervisor")
        self._supervisor.start()

    def warm_up(self) -> None:
        """Wait until the programs are ready.

        Raises:
            RuntimeError: if one has ended instead.
        """
        self._address = self._said(self._control).split("/#")[0]
        self._said(self._hands)

    def pull(self, way: str) -> float:
        """Pull one of `WAYS`.

        Returns:
            The moment from which on no entry may arrive, in monotonic seconds: the return of the
            call; of the watchdog the end of its patience.

        Raises:
            RuntimeError: if the program that had to do it has failed.
        """
        return self._pulls[way]()

    def resume(self) -> None:
        """Let the book go on, as a person does, and watch over it again."""
        with self._watching:
            self._is_watched = True
            self._touch_supervisor()
        self._command("resume", *_WORDS, "--yes", BOOK)

    def close(self) -> None:
        """End the programs and the watch."""
        self._ended.set()
        self._supervisor.join()
        for program in (self._hands, self._control):
            program.kill()
            program.communicate()
        self._client.close()
        self._log.close()

    # The triggers

    def _post(self) -> float:
        key = (self._rig.folder.parent / "control" / "trade.key").read_text().strip()
        given = self._client.post(f"{self._address}/api/token", json={"key": key})
        given.raise_for_status()
        heads = {"Authorization": f"Bearer {given.json()['access']}"}
        url = f"{self._address}/api/books/{BOOK}/halt"
        answer = self._client.post(url, json={"who": "chaos", "reason": "chaos"}, headers=heads)
        returned_s = time.monotonic()
        answer.raise_for_status()
        return returned_s

    def _touch_latch(self) -> float:
        (self._rig.folder / "HALT").touch()
        return time.monotonic()

    def _send_signal(self) -> float:
        if self._rig.process is None:
            raise RuntimeError("no executor was started")
        self._rig.process.send_signal(signal.SIGUSR1)
        return time.monotonic()

    def _look_away(self) -> float:
        with self._watching:
            self._is_watched = False
            return self._touched_s + SUPERVISOR_S

    # What they are pulled with

    def _supervise(self) -> None:
        while not self._ended.wait(_TOUCH_S):
            with self._watching:
                if self._is_watched:
                    self._touch_supervisor()

    def _touch_supervisor(self) -> None:
        path = self._rig.folder / "supervisor"
        if path.parent.exists():
            path.touch()
            self._touched_s = time.monotonic()

    def _program(self, code: str, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(  # noqa: S603 - this interpreter, this package
            [sys.executable, "-c", code, *words],
            env={**os.environ, **self._rig.environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )

    def _command(self, *words: str) -> float:
        """Let the warm process do a command; give when its call has returned."""
        if self._hands.stdin is None:
            raise RuntimeError("the warm process has no input")
        self._hands.stdin.write(json.dumps(words) + "\n")
        self._hands.stdin.flush()
        return float(self._said(self._hands))

    def _said(self, program: subprocess.Popen[str]) -> str:
        line = program.stdout.readline() if program.stdout is not None else ""
        if not line:
            said = (self._rig.home / "triggers.log").read_text(errors="replace")[-600:]
            raise RuntimeError(f"a program that halts books has ended: {said}")
        return line
