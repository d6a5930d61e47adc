"""Our engine beside its peers: ratios from one run.

    make bench
    PEERS_HOME=... PEERS_VENVS=... python benchmarks/run.py --peers vectorbt,backtesting --rounds 3

Needs the benchmark of peers (`PEERS_HOME`, default ../shared/bench/peers); peers whose environment
is not under `PEERS_VENVS` are left out. Every row is one process; times are those of the run alone
(no import, no load, compiled code warm). By default they are CPU times, since machines are shared.
Agreement is judged by the benchmark's own plain-Python oracle.
"""

from __future__ import annotations

import argparse
import importlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).resolve().parent
PEERS = Path(os.environ.get("PEERS_HOME") or HERE.parents[1] / "shared/bench/peers")
_LOT = {"lot": 1e-8}
_OURS = [
    ("ours", "w1", "pct", _LOT, []),
    ("ours", "w1", "qty", {}, []),
    ("ours-engine", "w1", "pct", _LOT, ["--level", "engine"]),
    ("ours", "w2", "qty", {}, []),
    ("ours-engine", "w2", "qty", {}, ["--level", "engine"]),
]


def load_harness() -> ModuleType:
    """Import the benchmark of peers, add our rows, leave out peers that are not installed."""
    sys.dont_write_bytecode = True
    sys.path.append(str(PEERS))
    run_all = importlib.import_module("run_all")
    their_python = run_all.python_for

    def python_for(peer: str) -> str:
        return sys.executable if peer.startswith("ours") else str(their_python(peer))

    def installed(row: tuple[str, ...]) -> bool:
        return row[2] in {"w1", "w2"} and Path(their_python(row[0])).exists()

    script = str(HERE / "peer_ours.py")
    ours = [
        (name, script, work, mode, 15, oracle, 1e-6, extra)
        for name, work, mode, oracle, extra in _OURS
    ]
    run_all.python_for = python_for
    run_all.ROWS = [*ours, *(row for row in run_all.ROWS if installed(row))]
    return run_all


def cold_start() -> None:
    """Print what a first start costs: compiling into an empty cache, then loading from it."""
    code = (
        "import time; t = time.perf_counter()\n"
        "import common, works\n"
        "from trading_assets import Backtest\n"
        "b = common.head(common.load_bars(), 5000); p = works.backtest('w1', 'pct',"
        " works.frame_of(b))\n"
        "i = time.perf_counter(); p.run()\n"
        "print(f'{i - t:.2f} s import and load, {time.perf_counter() - i:.2f} s first run')\n"
    )
    with tempfile.TemporaryDirectory() as cache:
        env = {
            **os.environ,
            "NUMBA_CACHE_DIR": cache,
            "PYTHONPATH": os.pathsep.join([str(HERE), str(PEERS)]),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        for what in ("empty cache", "filled cache"):
            done = subprocess.run(  # noqa: S603  our own interpreter on our own text
                [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
            )
            print(f"start with {what}: {done.stdout.strip()}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Our engine beside its peers.")
    parser.add_argument("--peers", default="", help="only these rows, such as ours,vectorbt")
    parser.add_argument("--only", default="w1,w2")
    parser.add_argument("--rounds", default="1")
    parser.add_argument("--bars-w2", default="131400", help="W2 on a prefix: peers need minutes")
    parser.add_argument("--by", default="cpu", choices=["cpu", "wall"])
    parser.add_argument("--out", default=str(Path(tempfile.gettempdir()) / "bench_results.json"))
    options = parser.parse_args()
    if not (PEERS / "run_all.py").is_file():
        sys.exit(f"No benchmark of peers at {PEERS}; set PEERS_HOME to its folder.")
    os.environ.setdefault("PEERS_HOME", str(PEERS))
    os.environ.setdefault("PEERS_DATA", str(Path(tempfile.gettempdir()) / "bench_data"))
    harness = load_harness()
    names = sorted({row[0] for row in harness.ROWS})
    print(f"rows: {', '.join(names)}", flush=True)
    cold_start()
    sys.argv = ["run_all.py", "--ours", "ours", "--by", options.by, "--only", options.only]
    sys.argv += ["--rounds", options.rounds, "--out", options.out]
    sys.argv += ["--bars-w2", options.bars_w2]
    if options.peers:
        sys.argv += ["--peers", options.peers]
    harness.main()


if __name__ == "__main__":
    main()
