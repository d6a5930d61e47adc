"""Our engine beside its peers: ratios from one run.

    make bench
    PEERS_HOME=... PEERS_VENVS=... python benchmarks/run.py --peers vectorbt,backtesting --rounds 3

Every row is one process; what counts is the CPU time of the run alone (no import, no load, compiled
code warm), the best of the rounds, which go through all rows one after another so that the noise of
a shared machine meets each of them. Without the folder of peers (`PEERS_HOME`) our rows run on bars
of our own, beside the limits of the machine; peers whose environment is not under `PEERS_VENVS` are
left out and named. Results are judged by an oracle: the peers' own for W1 and W2, else `plain.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import plain
import targets
from home import HERE, PEERS, common, peers_module, portfolio_bars

_MARK = "PEERS_JSON "
_ENGINES = {
    "vectorbt": "v_vbt",
    "backtesting": "v_btpy",
    "backtrader": "v_btrader",
    "nautilus": "v_naut",
}


@dataclass(frozen=True)
class Row:
    """One process: a script with its options, in some environment."""

    name: str
    work: str
    mode: str
    script: Path
    python: Path
    repeat: int = 1
    bars: int = 0
    extra: tuple[str, ...] = ()

    @property
    def command(self) -> list[str]:
        """What is executed."""
        bars = ["--bars", str(self.bars)] if self.bars else []
        return [
            str(self.python), str(self.script), "--work", self.work, "--mode", self.mode,
            "--repeat", str(self.repeat), *bars, *self.extra,
        ]  # fmt: skip


def our_rows() -> list[Row]:
    """List what needs no peer."""
    python = Path(sys.executable)
    ours, alone, limits = (HERE / f"{n}.py" for n in ("peer_ours", "engine_alone", "limits"))
    rows = [
        Row("limit-read", "w1", "pct", limits, python, 51, extra=("--what", "read")),
        Row("limit-chain", "w1", "pct", limits, python, 51, extra=("--what", "chain")),
        *(Row("ours", work, mode, ours, python, 15)
          for work, mode in (("w1", "pct"), ("w1", "qty"), ("w2", "qty"), ("w4", "pct"),
                             ("w4", "qty"))),
        *(Row("ours-loop", work, mode, alone, python, 15)
          for work, mode in (("w1", "pct"), ("w2", "qty"), ("w4", "pct"))),
        Row("ours-step", "w1", "pct", alone, python, 5, extra=("--what", "step")),
        Row("ours-once", "w1", "pct", ours, python, extra=("--form", "once")),
        Row("ours-asked", "w1", "pct", ours, python, 2, 100_000, ("--form", "asked")),
    ]  # fmt: skip
    return [*rows, Row("ours", "w3", "qty", ours, python, 3)]


def peer_rows(w2_bars: int) -> tuple[list[Row], list[str]]:
    """List the peers that are installed, and name those that are not."""
    venvs = Path(os.environ.get("PEERS_VENVS") or PEERS)
    if peers_module("common") is None:
        return [], [f"all: no folder of peers at {PEERS} (PEERS_HOME)"]
    rows, absent = [], []
    for name, venv in _ENGINES.items():
        python = venvs / venv / "bin" / "python"
        if not python.is_file():
            absent.append(f"{name}: no {python} (PEERS_VENVS; benchmarks/make_venvs.sh makes it)")
            continue
        script, own = PEERS / f"peer_{name}.py", HERE / "peer_w4.py"
        repeat = 5 if name == "vectorbt" else 1
        rows.append(Row(name, "w1", "pct", script, python, repeat))
        if name == "vectorbt":
            rows.append(Row(name, "w1", "qty", script, python, repeat))
            rows.append(Row("vectorbt-once", "w1", "pct", script, python))
            rows.append(Row(name, "w3", "qty", script, python, 1))
            rows.append(Row(name, "w4", "qty", own, python, 3, extra=("--engine", name)))
        else:
            bars = min(w2_bars, 30_000) if name == "nautilus" else w2_bars
            rows.append(Row(name, "w2", "qty", script, python, 1, bars))
        if name == "backtrader":
            rows.append(Row(name, "w4", "pct", own, python, 1, 6_000, ("--engine", name)))
    return rows, absent


def measure(row: Row, timeout_s: float) -> dict[str, Any]:
    """Run a row; give its report with the CPU seconds of the whole process, or its `error`."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as complaints:
        started = subprocess.Popen(  # noqa: S603  scripts of this folder and of the peers'
            row.command, stdout=out, stderr=complaints, cwd=row.script.parent
        )
        before = os.times()
        try:
            started.wait(timeout_s)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()
            return {"error": f"longer than {timeout_s:g} s"}
        after = os.times()
        out.seek(0)
        complaints.seek(0)
        lines = [text for text in out.read().splitlines() if text.startswith(_MARK)]
        if not lines:
            return {"error": complaints.read().strip()[-300:] or f"exit {started.returncode}"}
    worked = (after.children_user - before.children_user) + (
        after.children_system - before.children_system
    )
    return json.loads(lines[-1].removeprefix(_MARK)) | {"process_cpu_s": worked}


def expectation(work: str, mode: str, bars: int) -> tuple[int, float]:
    """Give trades and equity that an engine with our rules must find."""
    module, oracle = common(), peers_module("oracle")
    costs = {"warm_up": module.WARMUP, "cash": module.CASH0, "fee": module.FEE,
             "slip": module.SLIP}  # fmt: skip
    if work == "w4":
        many = portfolio_bars(module, 20, bars or 100_000, module.SEED)
        size = {"fraction": 0.04} if mode == "pct" else {"quantity": module.QTY}
        found = plain.cross_portfolio(many, fast=module.FAST, slow=module.SLOW, **size, **costs)
        return len(found.trades), found.equity
    data = module.head(module.load_bars(), bars)
    if oracle is not None:
        said = oracle.w2(data) if work == "w2" else oracle.w1(
            data, mode, fast=module.FAST, slow=module.SLOW, lot=1e-8 if mode == "pct" else 0.0
        )  # fmt: skip
        return said["trades"], said["final_equity"]
    if work == "w2":
        found = plain.inside_bars(data, quantity=module.QTY_W2, tick=module.TICK, **costs)
    else:
        size = {"fraction": module.PCT} if mode == "pct" else {"quantity": module.QTY}
        found = plain.cross_portfolio([data], fast=module.FAST, slow=module.SLOW, **size, **costs)
    return len(found.trades), found.equity


def rate(report: Mapping[str, Any]) -> float:
    """Give bars per CPU second, of the best call where the report has it."""
    best = report.get("best_cpu_s")
    return report["bars"] / best if best else float(report["bars_per_cpu_s"])


def _rates(found: Mapping[Row, list[dict[str, Any]]]) -> dict[tuple[str, str, str], float]:
    return {
        (row.work, row.name, row.mode): max(rate(r) for r in reports)
        for row, reports in found.items()
        if reports
    }


def print_rows(found: Mapping[Row, list[dict[str, Any]]]) -> list[str]:
    """Print every row; give the sentences of our rows that an oracle does not agree with."""
    rates, wrong = _rates(found), []
    print(f"\n{'work':5}{'row':14}{'mode':6}{'bars/CPU s':>14}{'ours/row':>10}{'ns/bar':>10}"
          f"{'trades':>8}{'final equity':>18}  oracle")  # fmt: skip
    for row, reports in found.items():
        if not reports:
            continue
        speed = rates[row.work, row.name, row.mode]
        ours = rates.get((row.work, "ours", row.mode))
        ratio = f"{ours / speed:10.2f}" if ours else f"{'':10}"
        trades, equity = reports[-1].get("trades"), reports[-1].get("final_equity")
        verdict = ""
        if row.name.startswith("ours") and row.work != "w3" and row.name != "ours-step":
            expected = expectation(row.work, row.mode, row.bars)
            difference = abs(equity - expected[1])
            agrees = trades == expected[0] and difference <= 1e-6
            verdict = f"{'equal' if agrees else 'DIFFERS'}, {difference:.1e}"
            wrong += [] if agrees else [f"{row.work} {row.name} differs: {expected}"]
        print(f"{row.work:5}{row.name:14}{row.mode:6}{speed:14,.0f}{ratio}{1e9 / speed:10.1f}"
              f"{trades if trades is not None else '':>8}"
              f"{equity if equity is not None else float('nan'):18.8f}  {verdict}")  # fmt: skip
    return wrong


def _grade(value: float, must: float, aim: float, *, most: bool = False) -> str:
    sign = -1 if most else 1
    if sign * value >= sign * aim:
        return "aim reached"
    return "must reached" if sign * value >= sign * must else "MISSED"


def print_targets(found: Mapping[Row, list[dict[str, Any]]]) -> None:
    """Print what has to be reached and what was; say what bounds a row that misses."""
    rates = _rates(found)
    print(f"\n{'target':58}{'found':>10}{'must':>10}{'aim':>10}")
    for t in targets.RATIOS:
        modes = [m for m in ("pct", "qty") if (t.work, t.peer, m) in rates]
        for mode in (m for m in modes[:1] if (t.work, t.ours, m) in rates):
            value = rates[t.work, t.ours, mode] / rates[t.work, t.peer, mode]
            _print_target(f"{t.work} {t.ours} / {t.peer}, bars per CPU s, at least", value, t.must,
                          t.aim, _grade(value, t.must, t.aim))  # fmt: skip
    step = rates.get(("w1", "ours-step", "pct"))
    if step:
        us = 1e6 / step
        _print_target("one bar's step from Python, CPU us, at most", us, *targets.STEP_US,
                      _grade(us, *targets.STEP_US, most=True))  # fmt: skip
    whole = {
        row.name: min(r["process_cpu_s"] for r in reports)
        for row, reports in found.items()
        if reports and (row.work, row.mode) == ("w1", "pct")
    }
    again = [r["again_cpu_s"] for row, reports in found.items() for r in reports
             if row.name == "ours" and row.work == "w1" and "again_cpu_s" in r]  # fmt: skip
    if again:
        ms = min(again) * 1e3
        _print_target(
            "load + run one year, second time, CPU ms, at most",
            ms,
            *targets.LOAD_AND_RUN_MS,
            _grade(ms, *targets.LOAD_AND_RUN_MS, most=True),
        )
    for report in (r for row, reports in found.items() for r in reports if row.work == "w3"):
        if "single_run_cpu_s" in report:
            times = report["combos"] * report["single_run_cpu_s"] / report["best_cpu_s"]
            _print_target("w3 sweep / its trials as single runs, CPU, at least", times,
                          *targets.SWEEP, _grade(times, *targets.SWEEP))  # fmt: skip
    if {"ours-once", "vectorbt-once"} <= set(whole):
        part = whole["ours-once"] / whole["vectorbt-once"]
        _print_target("whole W1 process / vectorbt's, CPU, at most", part, *targets.PROCESS_RATIO,
                      _grade(part, *targets.PROCESS_RATIO, most=True))  # fmt: skip
    print_bounds(rates)


def _print_target(text: str, value: float, must: float, aim: float, grade: str) -> None:
    print(f"{text:58}{value:10.3g}{must:10.3g}{aim:10.3g}  {grade}")


def print_bounds(rates: Mapping[tuple[str, str, str], float]) -> None:
    """Say where the time of our public run goes, in nanoseconds per bar of a symbol."""
    chain = rates.get(("w1", "limit-chain", "pct"))
    for work, mode in (("w1", "pct"), ("w2", "qty"), ("w4", "pct")):
        ours, loop = rates.get((work, "ours", mode)), rates.get((work, "ours-loop", mode))
        if ours and loop:
            whole, machine = 1e9 / ours, 1e9 / loop
            print(
                f"{work} {whole:.1f} ns per bar: {machine:.1f} in the machine (orders, lots, "
                f"equity, logs), {whole - machine:.1f} in signals, their checks and layout"
                + (f"; W1's bare arithmetic takes {1e9 / chain:.1f}" if chain else "")
            )


def cold_start() -> None:
    """Print what a first start costs: compiling into an empty cache, then loading from it."""
    code = (
        "import time; t = time.perf_counter()\n"
        "import works, home\n"
        "b = home.common().make_bars(n=5000); p = works.backtest('w1', 'pct', works.frame_of(b))\n"
        "i = time.perf_counter(); p.run()\n"
        "print(f'{i - t:.2f} s import and load, {time.perf_counter() - i:.2f} s first run')\n"
    )
    with tempfile.TemporaryDirectory() as cache:
        env = {**os.environ, "NUMBA_CACHE_DIR": cache, "PYTHONDONTWRITEBYTECODE": "1"}
        env["PYTHONPATH"] = os.pathsep.join([str(HERE), env.get("PYTHONPATH", str(HERE.parent))])
        for what in ("empty cache", "filled cache"):
            done = subprocess.run(  # noqa: S603  our own interpreter on our own text
                [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
            )
            print(f"start with {what}: {done.stdout.strip()}", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Our engine beside its peers.")
    parser.add_argument("--peers", default="", help="only these rows, such as ours,vectorbt")
    parser.add_argument("--only", default="w1,w2,w3,w4", help="works")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--bars-w2", type=int, default=131_400, help="peers' W2 is on a prefix")
    parser.add_argument("--timeout", type=float, default=600.0, help="seconds for one row")
    parser.add_argument("--skip-cold-start", action="store_true")
    parser.add_argument("--out", default=str(Path(tempfile.gettempdir()) / "bench_results.json"))
    return parser.parse_args()


def main() -> None:
    options = _options()
    os.environ["PEERS_HOME"] = str(PEERS)
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("PEERS_DATA", str(Path(tempfile.gettempdir()) / "bench_data"))
    package = [str(HERE.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    theirs, absent = peer_rows(options.bars_w2)
    names = set(filter(None, options.peers.split(",")))
    rows = [
        row
        for row in [*our_rows(), *theirs]
        if row.work in options.only.split(",") and (not names or row.name in names)
    ]
    for reason in absent:
        print(f"left out, {reason}")
    if not options.skip_cold_start:
        cold_start()
    found: dict[Row, list[dict[str, Any]]] = {row: [] for row in rows}
    for number in range(options.rounds):
        for row in rows:
            ours = row.name.startswith(("ours", "limit"))
            os.environ["PYTHONPATH"] = os.pathsep.join(package) if ours else str(PEERS)
            report = measure(row, options.timeout)
            said = report.get("error") or f"{rate(report):,.0f} bars per CPU s"
            print(f"round {number + 1}: {row.work} {row.name} {row.mode}: {said}", flush=True)
            if "error" not in report:
                found[row].append(report)
    written = [{**report, "row": row.name} for row, reports in found.items() for report in reports]
    Path(options.out).write_text(json.dumps(written, indent=1))
    wrong = print_rows(found)
    print_targets(found)
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
