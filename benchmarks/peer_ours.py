"""Our engine in the peers' benchmark: the same options, one report line.

`--level public` (default) is `Backtest(spec, frames).run()`: signals in polars, matrices, machine,
result. `--level engine` is the machine alone on finished matrices, as the prototype was measured.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

_PEERS = Path(os.environ.get("PEERS_HOME") or Path(__file__).parents[2] / "shared/bench/peers")
sys.dont_write_bytecode = True
sys.path.append(str(_PEERS))

import common  # noqa: E402  the benchmark's own module

_start = time.perf_counter()
from works import SYMBOL, backtest, frame_of  # noqa: E402

from trading_assets import __version__  # noqa: E402
from trading_assets.engine.machine import Machine  # noqa: E402
from trading_assets.strategies.evaluate import (  # noqa: E402
    bar_matrix,
    evaluate,
    signal_matrix,
)

IMPORT_S = time.perf_counter() - _start


def main() -> None:
    options = common.args(level="public")
    bars = common.head(common.load_bars(), options.bars)
    frame = frame_of(bars)
    prepared = backtest(options.work, options.mode, frame)

    def public() -> tuple[int, float]:
        result = prepared.run()
        return result.num_trades, result.final_equity

    strategy = prepared.spec.build_strategy()
    matrix = bar_matrix({SYMBOL: frame}, [SYMBOL])
    signals = signal_matrix(
        strategy.family, {SYMBOL: evaluate(strategy, frame)}, [SYMBOL], matrix.ts
    )

    def engine() -> tuple[int, float]:
        machine = Machine(prepared.prepared.setup)
        machine.run(matrix, signals)
        return len(machine.round_trips), machine.equity

    work = public if options.level == "public" else engine
    _, first = common.timed(work)
    (trades, equity), seconds = common.timed(work, max(options.repeat, 5))
    common.report(
        "ours",
        __version__,
        options.work,
        options.mode,
        len(frame),
        seconds,
        trades=trades,
        final_equity=equity,
        first_call_s=first[0],
        import_s=IMPORT_S,
        level=options.level,
    )


if __name__ == "__main__":
    main()
