"""What the whole gate promotes: markets that are noise, and markets with a planted edge.

Every family has a desk of its own: bars in the tables, real backtests, the ledger of trials,
further runs, and the decision of stages 0 to 3 by the default thresholds. A market is three symbols
of hourly bars. In `edge` the closes drift while the strategy's own rule says long, and fall back
otherwise, so that the strategy is the oracle; `--drift` sets how much. `one` tries many pairs of
averages on one market of noise, and the best of them comes to the gate. A family counts as promoted
when every rule has passed. MLflow is off.

    python benchmarks/gate_study.py noise --seeds 0:1000
    python benchmarks/gate_study.py edge --seeds 0:50 --drift 1.5
    python benchmarks/gate_study.py one --trials 1000
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_assets import bootstrap
from trading_assets.backtest.sweep_file import load_sweep
from trading_assets.domain.ids import Month, Symbol, months_between, symbol_from_text
from trading_assets.market.bar_frame import RESAMPLED_SCHEMA
from trading_assets.settings import load_settings
from trading_assets.storage.experiments import LoggedRun
from trading_assets.strategies.portfolio_spec import AnySpec
from trading_assets.workflows.decide import decide
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.list_instruments import instruments_basis
from trading_assets.workflows.market_tables import INSTRUMENTS_CODE_VERSION
from trading_assets.workflows.run_backtest import run_backtest
from trading_assets.workflows.run_sweep import run_sweep
from trading_assets.workflows.strategy_specs import find_spec

SYMBOLS = tuple(map(symbol_from_text, ("BTCUSDT", "ETHUSDT", "SOLUSDT")))
FIRST, HOURS_PER_YEAR = datetime(2022, 1, 1, tzinfo=UTC), 365 * 24
VOLATILITY = 0.6
"""Of a year."""
TURNOVER = 50_000_000.0
"""Of an hour, in quote: deep enough for the planned capital."""

SPEC = """
name: tried
strategy: ema_trend
params: {{fast: {fast}, slow: {slow}}}
symbols: all
bar_size: 1h
cash: 100000
sizing: {{mode: pct_of_equity, pos_pct: 30.0, cash_buffer_pct: 2.0, rebalance_pct: 100.0}}
costs: {{fees_bps: 2.0, half_spread_bps: 0.5, impact_bps: 5.0}}
"""


SWEEP = """
name: many
spec: tried
sweep:
  method: random
  trials: {trials}
  seed: 3
  metric: sharpe
  space:
    fast: {{low: 2, high: 40, step: 1}}
    slow: {{low: 41, high: 400, step: 1}}
"""


@dataclass(frozen=True, slots=True)
class Family:
    """One market, and what is tried on it.

    Attributes:
        drift: of a year, while the rule (`fast`, `slow`) says long; its opposite otherwise.
    """

    seed: int
    fast: int
    slow: int
    years: float
    drift: float = 0.0


@dataclass(frozen=True, slots=True)
class Found:
    """What the gate said of a family.

    Attributes:
        sharpe: of a year, net, out of sample and of the whole run.
        unmet: rules that did not pass.
    """

    seed: int
    promoted: bool
    oos_sharpe: float | None
    sharpe: float | None
    unmet: tuple[str, ...]


class Silent:
    """The place of MLflow, which is off."""

    def find_run(self, *_: Any) -> LoggedRun:
        """Give the page that there is not."""
        return LoggedRun("off", "off")

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: LoggedRun("off", "off")


def closes(family: Family, symbol: int) -> NDArray[np.float64]:
    """Draw the closes; with a drift, bar by bar, since the rule looks at what came before."""
    bars = int(family.years * HOURS_PER_YEAR)
    rng = np.random.default_rng([family.seed, symbol])
    # Student's t with four degrees of freedom, scaled to the volatility: tails as markets have.
    noise = rng.standard_t(4, bars) / np.sqrt(2.0) * VOLATILITY / np.sqrt(HOURS_PER_YEAR)
    if not family.drift:
        return np.asarray(30_000.0 * np.exp(np.cumsum(noise)))
    step = family.drift / HOURS_PER_YEAR
    a, b = 2.0 / (family.fast + 1), 2.0 / (family.slow + 1)
    found = np.empty(bars)
    price = fast = slow = 30_000.0
    for n, shock in enumerate(noise):
        price *= float(np.exp(shock + (step if fast > slow else -step)))
        fast += a * (price - fast)
        slow += b * (price - slow)
        found[n] = price
    return found


def lay(desk: Desk, family: Family) -> None:
    """Publish the markets, month by month, and their instruments."""
    for number, symbol in enumerate(SYMBOLS):
        lay_bars(desk, symbol, closes(family, number))
    rules = [
        {
            "symbol": symbol, "base": symbol[:3], "quote": "USDT", "calendar": "24/7",
            "asset_class": "crypto_spot", "tick": "0.01", "lot": "0.00001", "min_notional": "5",
            "point_value": "1",
        }
        for symbol in SYMBOLS
    ]  # fmt: skip
    desk.tables.publish(
        "instruments", None, None, pl.DataFrame(rules), code_version=INSTRUMENTS_CODE_VERSION,
        parents={}, extra=instruments_basis(desk.settings),
    )  # fmt: skip


def lay_bars(desk: Desk, symbol: Symbol, close: NDArray[np.float64]) -> None:
    """Publish a market."""
    rounded = close.round(2)
    opens = np.concatenate(([30_000.0], rounded[:-1]))
    frame = pl.DataFrame(
        {
            "ts": [FIRST + timedelta(hours=n) for n in range(len(close))],
            "symbol": [symbol] * len(close),
            "open": opens,
            "high": np.maximum(opens, rounded),
            "low": np.minimum(opens, rounded),
            "close": rounded,
            "volume": TURNOVER / rounded,
            "quote_volume": np.full(len(close), TURNOVER),
            "n_trades": [5_000] * len(close),
            "source": ["embedded"] * len(close),
            "n_minutes": [60] * len(close),
            "complete": [True] * len(close),
        },
        schema=RESAMPLED_SCHEMA,
    )
    last = Month.of(int(frame["ts"].to_physical()[-1]))
    for month in months_between(Month(FIRST.year, FIRST.month), last):
        rows = frame.filter(pl.col("ts").dt.strftime("%Y-%m") == str(month))
        desk.tables.publish(
            "bars_1h", symbol, month, rows, code_version="1", parents={},
            extra={"source": "embedded"},
        )  # fmt: skip


def desk_in(home: Path) -> Desk:
    """Open a desk with one symbol and the specs that are written into its folder."""
    (home / "specs").mkdir()
    environ = {
        "TA_HOME": str(home),
        "TA_SYMBOLS": json.dumps(SYMBOLS),
        "TA_SPECS_DIR": str(home / "specs"),
        "TA_HISTORY_START": f"{FIRST:%Y-%m}",
    }
    made: Any = Silent()
    return replace(bootstrap.desk(load_settings(environ).settings), experiments=made)


def spec_of(desk: Desk, fast: int, slow: int) -> AnySpec:
    """Write the spec that the gate looks at."""
    text = SPEC.format(fast=fast, slow=slow)
    specs = desk.settings.specs_dir
    assert specs is not None
    (specs / "tried.yaml").write_text(text)
    return find_spec(desk.settings, "tried")


def judge(desk: Desk, family: Family) -> Found:
    """Backtest the spec, let the desk decide, and look at every rule."""
    run = run_backtest(desk, spec_of(desk, family.fast, family.slow)).run
    decision = decide(desk, "paper")
    unmet = tuple(rule["rule"] for rule in decision.rules if not rule["passed"])
    oos, whole = run.metrics["oos"] or {}, run.metrics["all"]
    return Found(family.seed, not unmet, oos.get("sharpe"), whole.get("sharpe"), unmet)


def one(family: Family) -> Found:
    """Try one spec on one market, in a folder that is gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="gate-"))
    try:
        desk = desk_in(home)
        lay(desk, family)
        return judge(desk, family)
    finally:
        shutil.rmtree(home)


def best_of(trials: int, years: float) -> Found:
    """Try many pairs on one market of noise, and bring the one that looks best to the gate.

    It is chosen by its Sharpe ratio over the whole sample, days out of it included: the worst that
    a person could do.
    """
    home = Path(tempfile.mkdtemp(prefix="gate-"))
    try:
        desk = desk_in(home)
        lay(desk, Family(0, 5, 20, years))
        spec_of(desk, 5, 20)
        file = home / "many.yaml"
        file.write_text(SWEEP.format(trials=trials))
        record = run_sweep(desk, load_sweep(file), report=partial(tell, trials))
        table = pl.read_parquet(record.folder / "trials.parquet")
        best = table.sort("sharpe", descending=True, nulls_last=True).row(0, named=True)
        return judge(desk, Family(0, int(best["fast"]), int(best["slow"]), years))
    finally:
        shutil.rmtree(home)


def tell(total: int, done: int) -> None:
    """Say on stderr how many are done; a sweep tells each batch."""
    print(f"{done} more of {total}", file=sys.stderr)


def families(kind: str, seeds: range, years: float, drift: float) -> Iterator[Family]:
    """Draw the rules that are tried: fast ones, so that there are trades enough."""
    for seed in seeds:
        rng = np.random.default_rng([seed, 1])
        fast = int(rng.integers(6, 18))
        slow = int(fast * rng.uniform(3.0, 6.0))
        yield Family(seed, fast, slow, years, drift if kind == "edge" else 0.0)


def study(arguments: argparse.Namespace) -> dict[str, Any]:
    """Judge every family, telling each on a line of its own, and count."""
    seeds = range(*map(int, arguments.seeds.split(":")))
    asked = families(arguments.kind, seeds, arguments.years, arguments.drift)
    with multiprocessing.get_context("spawn").Pool(arguments.jobs) as pool:
        found = []
        for each in pool.imap_unordered(one, asked):
            found.append(each)
            print(json.dumps(asdict(each)), flush=True)
    unmet = Counter(rule for each in found for rule in each.unmet)
    sharpes = [each.sharpe for each in found if each.sharpe is not None]
    return {
        "kind": arguments.kind,
        "families": len(found),
        "years": arguments.years,
        "drift": arguments.drift if arguments.kind == "edge" else 0.0,
        "sharpe": {"mean": float(np.mean(sharpes)), "sd": float(np.std(sharpes))},
        "promoted": sum(each.promoted for each in found),
        "unmet": dict(unmet.most_common()),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=["noise", "edge", "one"])
    parser.add_argument("--seeds", default="0:50", help="first, and the one behind the last")
    parser.add_argument("--trials", type=int, default=1000, help="for `one`")
    parser.add_argument("--years", type=float, default=2.0)
    parser.add_argument("--drift", type=float, default=1.0, help="of a year, for `edge`")
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    if asked.kind == "one":
        found = asdict(best_of(asked.trials, asked.years)) | {"trials": asked.trials}
    else:
        found = study(asked)
    print(json.dumps(found))
