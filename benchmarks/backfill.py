"""How fast a backfill is: archive zips to published partitions, beside polars on the same CSVs.

    make bench-data
    python benchmarks/backfill.py --months 6 --mirror /path/to/data/spot --profile

Without a mirror it makes months of synthetic minutes. The yardstick unzips, parses with polars and
writes one Parquet per month, and does nothing else: no hash, no check, no larger bars. Each stage
is timed alone, by wall clock and by what the processor worked; the least of the rounds counts,
since other work only adds.
"""

from __future__ import annotations

import argparse
import cProfile
import hashlib
import io
import pstats
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from trading_assets import bootstrap
from trading_assets.adapters.binance.archive import LocalFiles, mirrored_months
from trading_assets.domain.bar import MINUTE
from trading_assets.domain.ids import Month, Symbol, months_between
from trading_assets.settings import load_settings
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.ingest_month import ingest_month
from trading_assets.workflows.market_month import larger_bars
from trading_assets.workflows.publish_bars import publish_bars_1m

_SYMBOL = Symbol("BTCUSDT")


def make_mirror(root: Path, months: list[Month]) -> None:
    """Lay down zips of minutes that walk, with eight decimals as Binance writes them."""
    folder = root / f"monthly/klines/{_SYMBOL}/1m"
    folder.mkdir(parents=True)
    for number, month in enumerate(months):
        chance = np.random.default_rng(number)
        opens = np.arange(month.start, month.end, MINUTE) // 1000
        close = np.round(40_000 + np.cumsum(chance.normal(0, 9, opens.size)), 2)
        amounts = chance.exponential(12, (4, opens.size))
        columns = [close, close + 3.07, close - 2.91, close + 0.11]
        texts = [pl.Series(c).round(2).cast(pl.String) + "000000" for c in columns]
        sizes = [pl.Series(a).round(8) for a in amounts]
        frame = pl.DataFrame(
            [
                pl.Series("ts", opens),
                *(s.alias(f"p{i}") for i, s in enumerate(texts)),
                sizes[0].alias("v"),
                pl.Series("close_ts", opens + 59_999),
                (sizes[0] * close).round(8).alias("q"),
                pl.Series("n", chance.integers(1, 2000, opens.size)),
                sizes[1].alias("tv"),
                sizes[2].alias("tq"),
                pl.Series("z", np.zeros(opens.size, dtype=np.int64)),
            ]
        )
        path = folder / f"{_SYMBOL}-1m-{month}.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"{path.stem}.csv", frame.write_csv(include_header=False))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        path.with_name(f"{path.name}.CHECKSUM").write_text(f"{digest}  {path.name}\n")


def with_polars(zips: list[Path], out: Path) -> None:
    """Unzip, parse and write: the least that anybody must do."""
    for path in zips:
        with zipfile.ZipFile(path) as archive:
            text = archive.read(archive.namelist()[0])
        rows = pl.read_csv(io.BytesIO(text), has_header=False)
        rows.write_parquet(out / f"{path.stem}.parquet", compression="zstd")


def stages(desk: Desk, months: list[Month]) -> dict[str, Callable[[], object]]:
    """List the stages of a backfill, in order."""
    return {
        "fetch and store": lambda: [ingest_month(desk, _SYMBOL, m) for m in months],
        "decode, clean, publish": lambda: [publish_bars_1m(desk, _SYMBOL, m) for m in months],
        "5m, 1h, 1d": lambda: [larger_bars(desk, _SYMBOL, m) for m in months],
    }


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Give the seconds that some work takes: by wall clock, and of the processor."""
    start, worked = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - worked


def a_desk(home: Path, mirror: Path, first: Month) -> Desk:
    environ = {
        "TA_HOME": str(home),
        "TA_SOURCE": "archive",
        "TA_ARCHIVE_ROOT": str(mirror),
        "TA_SYMBOLS": f'["{_SYMBOL}"]',
        "TA_HISTORY_START": str(first),
    }
    return bootstrap.desk(load_settings(environ).settings)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--months", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--mirror", type=Path, help="a real mirror; BTCUSDT is taken from it")
    parser.add_argument("--profile", action="store_true", help="what the time of a round goes to")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        if options.mirror:
            mirror = LocalFiles(options.mirror).root
            months = list(mirrored_months(mirror)[_SYMBOL][: options.months])
        else:
            mirror, first = place / "mirror", Month(2023, 1)
            months = list(months_between(first, first.shift(options.months - 1)))
            make_mirror(mirror, months)
        zips = [mirror / f"monthly/klines/{_SYMBOL}/1m/{_SYMBOL}-1m-{m}.zip" for m in months]
        compare(place, mirror, months, zips, options.rounds)
        if options.profile:
            profile(a_desk(place / "profiled", mirror, months[0]), months)


def compare(place: Path, mirror: Path, months: list[Month], zips: list[Path], rounds: int) -> None:
    """Print the least seconds of every stage, and the ratio to the yardstick."""
    least: dict[str, tuple[float, float]] = {}
    rows = 0
    for number in range(rounds + 1):  # the first one warms the caches of code and disk
        out = place / f"plain{number}"
        out.mkdir()
        desk = a_desk(place / f"home{number}", mirror, months[0])
        works = {"polars alone": lambda out=out: with_polars(zips, out), **stages(desk, months)}
        for name, work in works.items():
            wall, worked = timed(work)
            if number:
                before = least.get(name, (wall, worked))
                least[name] = min(wall, before[0]), min(worked, before[1])
        rows = sum(desk.tables.require("bars_1m", _SYMBOL, m).rows for m in months)
    plain = least.pop("polars alone")
    to_minutes = _sum(least["fetch and store"], least["decode, clean, publish"])
    ours = _sum(*least.values())
    for name, (wall, worked) in {"polars alone": plain, **least, "ours, all": ours}.items():
        print(f"{name:<24}{wall:8.3f} s {rows / wall:12,.0f} bars/s {worked:8.3f} s of processor")
    for at, what in enumerate(("wall clock", "processor")):
        print(
            f"ratio to polars by {what}: minutes {to_minutes[at] / plain[at]:.2f}, "
            f"with 5m, 1h, 1d {ours[at] / plain[at]:.2f}"
        )


def _sum(*stages: tuple[float, float]) -> tuple[float, float]:
    return sum(wall for wall, _ in stages), sum(worked for _, worked in stages)


def profile(desk: Desk, months: list[Month]) -> None:
    """Print the functions that a round spends its time in."""
    profiler = cProfile.Profile()
    for work in stages(desk, months).values():
        profiler.runcall(work)
    pstats.Stats(profiler).sort_stats("tottime").print_stats(18)


if __name__ == "__main__":
    main()
