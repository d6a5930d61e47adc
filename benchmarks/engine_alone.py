"""The machine without its signals, and one step of it from Python: rows beside the public way.

`--what loop` runs finished matrices, as prototypes and peers' kernels are measured; `--what step`
calls the machine once per bar, as live trading does. Both look inside the engine, so that they are
apart from `peer_ours.py`.
"""

from __future__ import annotations

from home import common as common_module
from home import options_of
from peer_ours import prepared

from trading_assets import __version__
from trading_assets.engine.machine import Machine
from trading_assets.strategies.evaluate import evaluate, signal_matrix

STEPS = 20_000


def main() -> None:
    common = common_module()
    options = options_of(common, what="loop")
    backtest, bars = prepared(common, options)
    inside = backtest.prepared
    signals = signal_matrix(
        inside.strategy.family,
        {symbol: evaluate(inside.strategy, frame) for symbol, frame in inside.frames.items()},
        backtest.spec.symbols,
        inside.bars.ts,
    )

    def loop() -> tuple[int, float]:
        machine = Machine(inside.setup)
        machine.run(inside.bars, signals)
        return len(machine.round_trips), machine.equity

    def steps() -> tuple[int, float]:
        machine = Machine(inside.setup)
        for t in range(STEPS):
            machine.step(inside.bars, signals, t)
        return len(machine.round_trips), machine.equity

    work, bars = (loop, bars) if options.what == "loop" else (steps, STEPS)
    work()
    (trades, equity), seconds = common.timed(work, max(options.repeat, 5))
    common.report(
        f"ours-{options.what}", __version__, options.work, options.mode, bars, seconds,
        trades=trades, final_equity=equity, best_cpu_s=min(common.CPU),
    )  # fmt: skip


if __name__ == "__main__":
    main()
