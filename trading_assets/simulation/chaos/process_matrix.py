"""What becomes of a live run when `dagster dev` or a part of it ends: one case each, never mocked.

Every case has a Dagster home, an exchange and a journal of its own. A person launches the live job
in the UI and switches the sensor `keep_live_running` on; once the book trades, the case's act
happens. Traders are counted in `/proc` all the time. A case ends with "terminate" in the UI, since
an executor that nobody can stop is as bad as two.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from trading_assets.domain.errors import TradingAssetsError
from trading_assets.domain.events import BarReady, OrderSubmitted
from trading_assets.exchange.server import ExchangeConfig, running_exchange
from trading_assets.simulation.chaos.book_judge import violations
from trading_assets.simulation.chaos.dagster_stack import DagsterStack
from trading_assets.simulation.chaos.rig import START, Rig
from trading_assets.simulation.chaos.traders import Watcher, traders_of
from trading_assets.simulation.chaos.verdict import Verdict
from trading_assets.storage.journal_reader import FILE

_WARP = 60
_BOOK = "paper"
_FIRST_S, _AGAIN_S, _STOP_S, _ENDS_S = 300.0, 240.0, 90.0, 60.0
_PATIENCE_S = 15.0
_BARS = 3
_BETWEEN_SIGNALS_S = 0.2
_ENDED = {"SUCCESS", "FAILURE", "CANCELED"}
_LIVE = (sys.executable, "-c", "from trading_assets.interfaces.cli.main import main; main()",
         "live", "--book", _BOOK)  # fmt: skip

After = Literal["same", "again", "stopped", "as it ended"]
"""The executor that was there, another one, none, or another one if the run failed."""


@dataclass
class Scene:
    """A book that trades inside `dagster dev`.

    Attributes:
        run: of the live job, as the person has launched it.
        trader: process id of its executor.
        seen: what was seen, in order, in words.
    """

    rig: Rig
    stack: DagsterStack
    run: str = ""
    trader: int = 0
    seen: list[str] = field(default_factory=list)

    @property
    def journal(self) -> Path:
        """The file that one process may write."""
        return (self.rig.folder / FILE).absolute()

    def until(self, condition: Callable[[], Any], what: str, patience_s: float) -> float:
        """Wait for something; give the seconds that it took.

        Raises:
            TimeoutError: with the last words of the stack.
        """
        began = time.monotonic()
        while not condition():
            if time.monotonic() - began > patience_s:
                raise TimeoutError(f"waited {patience_s:.0f} s in vain for {what}")
            self.stack.family()  # whoever is about to lose its parent is known by now
            time.sleep(0.2)
        return time.monotonic() - began

    def begin(self, release_id: str) -> None:
        """Start everything as a person does, and wait for the first order."""
        self.stack.tell_of_release(release_id)
        self.stack.start()
        self.run = self.stack.launch()
        self.until(lambda: self.rig.count(OrderSubmitted), "the first order", _FIRST_S)
        (self.trader,) = traders_of(self.journal)
        self.stack.switch_sensor_on()
        self.stack.family()

    def is_up(self) -> bool:
        """Tell whether `dagster dev` still runs."""
        return self.stack.dev is not None and self.stack.dev.poll() is None

    def dev_ends(self) -> None:
        """Wait until `dagster dev` has ended, and start it again as a person does."""
        began = time.monotonic()
        while not self.dev_has_ended():
            self.seen.append("`dagster dev` stays: Ctrl-C once more")
            self.stack.interrupt_terminal()
            if time.monotonic() - began > _ENDS_S:
                raise TimeoutError("`dagster dev` does not end")
        took = time.monotonic() - began
        alive = "trades on" if self.trader in traders_of(self.journal) else "is gone"
        self.seen.append(f"`dagster dev` ended after {took:.0f} s, the executor {alive}")
        self.stack.start()
        self.seen.append("`dagster dev` was started again")

    def dev_has_ended(self) -> bool:
        """Wait a person's patience for the end of `dagster dev`."""
        try:
            self.until(lambda: not self.is_up(), "an end", _PATIENCE_S)
        except TimeoutError:
            return False
        return True

    def kill(self, *words: str) -> None:
        """End the processes with -9 whose command lines have these words.

        Raises:
            RuntimeError: if there is none, since the case would prove nothing.
        """
        found = [p for p in self.stack.with_words(*words) if p.pid != self.trader]
        if not found:
            raise RuntimeError(f"no process is called {' '.join(words)}")
        for process in found:
            process.kill()
        self.seen.append(f"{len(found)} killed")

    def waits_for(self, after: After) -> float:
        """Wait until the book does what it should after the act; give the seconds."""
        if after == "as it ended":
            self.seen.append(f"the run is {self.status()}")
            after = "again" if self.status() == "FAILURE" else "stopped"
        if after == "stopped":
            return self._stays_stopped()
        bars = self.rig.count(BarReady)

        def trades_on() -> bool:
            traders = traders_of(self.journal)
            is_right = (self.trader in traders) is (after == "same")
            return bool(traders) and is_right and self.rig.count(BarReady) >= bars + _BARS

        return self.until(trades_on, f"bars of {after} executor", _AGAIN_S)

    def _stays_stopped(self) -> float:
        """Wait for the end, and for a look of the sensor after it; give the seconds until the end.

        Raises:
            RuntimeError: if the sensor starts another run.
        """
        took = self.until(
            lambda: not traders_of(self.journal) and self.status() in _ENDED, "a stop", _STOP_S
        )
        for _ in range(2):  # the first look may have begun before
            self._sensor_looks()
        if not set(self.stack.runs().values()) <= _ENDED:
            raise RuntimeError("the sensor has started again what a person had stopped")
        self.seen.append("the sensor lets it be")
        return took

    def _sensor_looks(self) -> None:
        last = self.stack.last_tick()
        self.until(lambda: self.stack.last_tick() != last, "a look of the sensor", _AGAIN_S)

    def status(self) -> str:
        """Give what Dagster says of the first run."""
        return self.stack.runs().get(self.run, "gone")

    def stop_in_ui(self) -> float:
        """Press "terminate" at whatever runs; give the seconds until nobody trades."""
        if not self.is_up():
            self.stack.start()
        for run, status in self.stack.runs().items():
            if status not in _ENDED:
                self._terminate(run)
        return self.until(lambda: not traders_of(self.journal), "an end of trading", _STOP_S)

    def _terminate(self, run: str) -> None:
        """Press "terminate"; an error is something that a person sees, too."""
        try:
            self.stack.terminate(run)
        except TradingAssetsError as error:
            self.seen.append(f"`terminate` says: {error.found[:40]}")


def _second(scene: Scene) -> None:
    """Start another executor by command, and another run in the UI."""
    done = subprocess.run(  # noqa: S603 - this interpreter, this package
        _LIVE,
        check=False,
        env=scene.stack.environ,
        capture_output=True,
        text=True,
        timeout=_FIRST_S,
    )
    said = done.stderr.strip().splitlines()[:1]
    scene.seen.append(f"the command ended with {done.returncode}: {' '.join(said)[:90]}")
    if done.returncode == 0:
        raise RuntimeError("a second executor did not refuse")
    second = scene.stack.launch()
    scene.until(lambda: scene.stack.runs()[second] != "NOT_STARTED", "the second run", _ENDS_S)
    scene.seen.append(f"the second run is {scene.stack.runs()[second]}")
    scene.stack.terminate(second)


def _ctrl_c_twice(scene: Scene) -> None:
    scene.stack.interrupt_terminal()
    time.sleep(_BETWEEN_SIGNALS_S)
    scene.stack.interrupt_terminal()
    scene.dev_ends()


def _term(scene: Scene) -> None:
    if scene.stack.dev is not None:
        scene.stack.dev.send_signal(signal.SIGTERM)
    scene.dev_ends()


def _kill_all(scene: Scene) -> None:
    scene.stack.kill_all()
    scene.dev_ends()


def _kill_all_but_trader(scene: Scene) -> None:
    scene.stack.kill_all(keep=lambda process: process.pid == scene.trader)
    scene.dev_ends()


def _kill_executor(scene: Scene) -> None:
    for process in scene.stack.family():
        if process.pid == scene.trader:
            process.kill()


def _part(*words: str) -> Callable[[Scene], None]:
    """Give the act of killing a part; a `dagster dev` that ends over it is started again."""

    def act(scene: Scene) -> None:
        scene.kill(*words)
        if scene.dev_has_ended():
            scene.dev_ends()
        else:
            scene.seen.append("`dagster dev` lives on")

    return act


CASES: dict[str, tuple[Callable[[Scene], None], After]] = {
    "terminate in the UI": (lambda scene: scene.stack.terminate(scene.run), "stopped"),
    "kill -9 of the executor": (_kill_executor, "again"),
    "a second executor": (_second, "same"),
    "reload of the code location": (lambda scene: scene.stack.reload(), "same"),
    "Ctrl-C twice": (_ctrl_c_twice, "as it ended"),
    "SIGTERM to `dagster dev` alone": (_term, "same"),
    "kill -9 of the daemon": (_part("dagster._daemon"), "same"),
    "kill -9 of the web server": (_part("dagster_webserver"), "same"),
    "kill -9 of the code server": (_part("code-server"), "same"),
    "kill -9 of all but the executor": (_kill_all_but_trader, "same"),
    "kill -9 of the whole tree": (_kill_all, "again"),
}
"""Act, and who is to trade afterwards."""


def try_processes(
    names: list[str], folder: Path, report: Callable[[int, int], None] = lambda *_: None
) -> Verdict:
    """Live through cases of `CASES`.

    Args:
        names: of the cases.
        folder: empty, on a local disk.
        report: told (cases done, wrong ones) after each.
    """
    began = time.monotonic()
    rows, wrong = [], []
    for number, name in enumerate(names):
        row, found = _live_through(name, folder / str(number))
        rows.append(row)
        wrong += [f"{name}: {line}" for line in found]
        report(number + 1, len(wrong))
    figures = {
        "cases": rows,
        "most_traders_at_once": max(row["traders_at_most"] for row in rows),
        "seconds": round(time.monotonic() - began, 1),
    }
    return Verdict("A18", figures, tuple(wrong))


def _live_through(name: str, folder: Path) -> tuple[dict[str, Any], list[str]]:
    """Live through one case; give its row, and what is wrong."""
    act, after = CASES[name]
    wrong: list[str] = []
    row: dict[str, Any] = {"case": name, "to_trade": after}
    with _scene(folder) as scene, Watcher(scene.journal) as watcher:
        try:
            act(scene)
            row["after_s"] = round(scene.waits_for(after), 1)
            row["runs"] = list(scene.stack.runs().values())[::-1]
            row["stopped_in_ui_s"] = round(scene.stop_in_ui(), 1)
        except (TimeoutError, RuntimeError, TradingAssetsError) as error:
            wrong.append(f"{error}; runs: {_runs(scene)}")
        scene.stack.kill_all()
        row |= {"seen": scene.seen, "traders_at_most": watcher.most, "looks": watcher.looks}
        row["executors"] = len(watcher.seen)
        wrong += violations(scene.rig)
    if watcher.most != 1:
        wrong.append(f"{watcher.most} traders at once")
    return row, wrong


def _runs(scene: Scene) -> list[str]:
    try:
        return list(scene.stack.runs().values())[::-1]
    except TradingAssetsError as error:
        return [str(error)]


@contextmanager
def _scene(folder: Path) -> Iterator[Scene]:
    """Give a book that trades in `dagster dev`, and leave nothing of it running."""
    folder.mkdir()
    config = ExchangeConfig(start=START, warp=_WARP, sim_controls=True, weight_limit=10**9)
    with running_exchange(config) as exchange:
        rig = Rig(folder, exchange, _BOOK)
        stack = DagsterStack(folder, rig.environ)
        try:
            scene = Scene(rig, stack)
            scene.begin(rig.publish("1m"))
            yield scene
        finally:
            stack.close()
            rig.close()
