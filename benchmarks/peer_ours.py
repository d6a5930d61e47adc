"""Our engine in the peers' benchmark: the same options, one report line, the public names only.

    python peer_ours.py --work w1 --mode pct --repeat 15
    python peer_ours.py --work w4 --seed 11 --fast 8 --slow 40

What is timed is `Backtest(spec, frames).run()`: signals, matrices, risk door, machine, logs. With
`--form asked` W1's strategy is plain Python, asked at every close; with `--form once` it runs once
and nothing else, so that the process as a whole can be compared. Seed and periods are those of
the benchmark's `common.py` unless said. `engine_alone.py` times the machine without its signals.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl

_start = time.perf_counter()
import works  # noqa: E402  the import is timed
from home import common as common_module  # noqa: E402
from home import options_of, portfolio_bars  # noqa: E402

from trading_assets import Backtest, __version__  # noqa: E402

IMPORT_S = time.perf_counter() - _start


def prepared(common: ModuleType, options: Any, *, asked: bool = False) -> tuple[Backtest, int]:
    """Give the run of a work, and how many bars of symbols it has."""
    periods = {"fast": options.fast, "slow": options.slow}
    if options.work == "w4":
        n = options.bars or works.W4_BARS
        bars = portfolio_bars(common, len(works.W4_SYMBOLS), n, options.seed)
        frames = [works.frame_of(b, s) for b, s in zip(bars, works.W4_SYMBOLS, strict=True)]
        return works.backtest("w4", options.mode, frames, **periods), n * len(frames)
    usual = options.seed == common.SEED
    bars = common.head(common.load_bars() if usual else common.make_bars(seed=options.seed),
                       options.bars)  # fmt: skip
    frame = works.frame_of(bars)
    return works.backtest(options.work, options.mode, frame, asked=asked, **periods), frame.height


def again(common: ModuleType, options: Any) -> float:
    """Give the CPU seconds to load a work's year from disk and run it, where both were done before.

    The year lies in an uncompressed Arrow file; all checks of the bars are made again.
    """
    frame = works.frame_of(common.head(common.load_bars(), options.bars))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "year.arrow"
        frame.write_ipc(path)

        def work() -> int:
            mapped = pl.read_ipc(path)
            return works.backtest(options.work, options.mode, mapped).run().num_trades

        common.timed(work, 6)
    return float(min(common.CPU[1:]))


def sweep(common: ModuleType, options: Any) -> None:
    """Report W3: 200 pairs of averages as one sweep, and the bars of single runs per CPU second."""
    import sweep_work

    bars = common.head(common.load_bars(), options.bars)
    frame = works.frame_of(bars)
    prepared_sweep = sweep_work.sweep(frame)
    common.timed(prepared_sweep.run)
    result, seconds = common.timed(prepared_sweep.run, options.repeat)
    best = min(common.CPU)
    pairs = [(5, 60), (20, 60), (25, 150), (50, 250)]
    singles = [sweep_work.single(frame, *pair) for pair in pairs]
    rows = {(r["fast"], r["slow"]): r for r in result.table.iter_rows(named=True)}
    for pair, one in zip(pairs, [s.run() for s in singles], strict=True):
        row = rows[pair]
        assert (row["num_trades"], row["final_equity"]) == (one.num_trades, one.final_equity)
    alone = []
    for single in singles:
        common.timed(single.run, 3)
        alone.append(min(common.CPU))
    common.CPU[:] = [best]
    common.report(
        "ours", __version__, "w3", "qty", frame.height * len(rows), seconds, combos=len(rows),
        trades=rows[20, 60]["num_trades"], final_equity=rows[20, 60]["final_equity"],
        sum_trades=sum(r["num_trades"] for r in rows.values()),
        sum_equity=sum(r["final_equity"] for r in rows.values()), best_cpu_s=best,
        single_run_cpu_s=sum(alone) / len(alone),
    )  # fmt: skip


def main() -> None:
    common = common_module()
    options = options_of(common, form="columns")
    if options.work == "w3":
        sweep(common, options)
        return
    start = time.perf_counter()
    backtest, bars = prepared(common, options, asked=options.form == "asked")
    load_s = time.perf_counter() - start

    def work() -> tuple[int, float]:
        result = backtest.run()
        return result.num_trades, result.final_equity

    if options.form == "once":
        (trades, equity), seconds = common.timed(work)
        common.report(
            "ours", __version__, options.work, options.mode, bars, seconds, trades=trades,
            final_equity=equity, import_s=IMPORT_S, load_s=load_s, form=options.form,
        )  # fmt: skip
        return
    _, first = common.timed(work)
    repeats = max(options.repeat, 5) if options.form == "columns" else options.repeat
    plain_year = options.work == "w1" and options.form == "columns"
    second = {"again_cpu_s": again(common, options)} if plain_year else {}
    (trades, equity), seconds = common.timed(work, repeats)
    common.report(
        "ours", __version__, options.work, options.mode, bars, seconds, trades=trades,
        final_equity=equity, first_call_s=first[0], import_s=IMPORT_S, load_s=load_s,
        best_cpu_s=min(common.CPU), form=options.form, **second,
    )  # fmt: skip


if __name__ == "__main__":
    main()
