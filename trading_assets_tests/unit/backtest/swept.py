"""A sweep in a process of its own, for tests that kill it: `python swept.py STORE PROCESSES`."""

import sys

import numpy as np
import polars as pl

from trading_assets import Sweep

SPACE = {"fast": [2, 4, 6, 8], "slow": [12, 18, 24, 30], "band_bps": [0.0, 3.0]}
SPEC = {
    "name": "swept",
    "strategy": "ema_trend",
    "symbols": ["AAAUSDT"],
    "cash": 10_000,
    "sizing": {"mode": "fixed", "qty": "0.5"},
    "costs": {"fees_bps": 5},
}


def bars(days=6, seed=11):
    """Five-minute bars of a random walk."""
    dice = np.random.default_rng(seed)
    n = days * 288
    close = (100 * np.exp(np.cumsum(dice.normal(0, 0.002, n)))).round(2)
    open_ = np.concatenate(([100.0], close[:-1]))
    ts = pl.Series(1_704_067_200_000_000 + np.arange(n) * 300_000_000)
    return pl.DataFrame(
        {
            "ts": ts.cast(pl.Datetime("us", "UTC")),
            "open": open_,
            "high": np.maximum(open_, close) + 0.2,
            "low": np.minimum(open_, close) - 0.2,
            "close": close,
            "volume": np.full(n, 50.0),
        }
    )


def sweep(store=None, **more):
    """Prepare the sweep, in batches of four."""
    return Sweep(SPEC, bars(), SPACE, tick="0.01", lot="0.001", batch=4, store=store, **more)


if __name__ == "__main__":
    finished = []

    def told(count):
        finished.append(count)
        print(sum(finished), flush=True)  # noqa: T201
        if sum(finished) == 12:
            sys.stdin.read()  # whoever started this kills it here

    sweep(sys.argv[1]).run(told)
