"""What no engine can be faster than on this machine: reading the bars, and W1's own arithmetic.

`--what read` touches the five columns once. `--what chain` does W1's two averages, the crossing
test and one equity per bar, with no order, fee, log or check: each average depends on the one
before, so the chain is bound by the latency of the processor and no memory or thread helps.
"""

from __future__ import annotations

import numpy as np
from home import common as common_module
from numpy.typing import NDArray


def _chain(close: NDArray[np.float64], fast: int, slow: int, equity: NDArray[np.float64]) -> int:
    quick = tardy = close[0]
    before = held = 0.0
    cash = 100_000.0
    crossings = 0
    for t in range(close.size):
        price = close[t]
        quick += 2.0 / (fast + 1.0) * (price - quick)
        tardy += 2.0 / (slow + 1.0) * (price - tardy)
        now = quick - tardy
        if now > 0.0 and before <= 0.0:
            held = 0.1
            cash -= held * price
            crossings += 1
        elif now < 0.0 and before >= 0.0:
            cash += held * price
            held = 0.0
            crossings += 1
        before = now
        equity[t] = cash + held * price
    return crossings


def main() -> None:
    from numba import njit

    common = common_module()
    options = common.args(what="read", fast=common.FAST, slow=common.SLOW)
    bars = common.head(common.load_bars(), options.bars)
    columns = [np.ascontiguousarray(bars[n]) for n in ("open", "high", "low", "close", "volume")]
    equity = np.empty(columns[0].size)

    compiled = njit(cache=True)(_chain)

    def read() -> float:
        return float(sum(column.sum() for column in columns))

    def chain() -> int:
        return compiled(columns[3], options.fast, options.slow, equity)

    work = read if options.what == "read" else chain
    work()
    _, seconds = common.timed(work, max(options.repeat, 31))
    common.report(
        f"limit-{options.what}", np.__version__, "w1", options.mode, columns[0].size, seconds,
        best_cpu_s=min(common.CPU),
    )  # fmt: skip


if __name__ == "__main__":
    main()
