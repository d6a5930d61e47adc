"""One backtest as people and charts read it: its curve, its months, its tables page by page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Micros
from trading_assets.domain.instants import FOREVER, instant_from_any, iso_text
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.paging import Page, cursor_key, page_of
from trading_assets.workflows.run_listing import run_row
from trading_assets.workflows.stored_runs import compared, find_run

if TYPE_CHECKING:
    import polars as pl

    from trading_assets.storage.run_store import StoredRun

TableName = Literal["trades", "orders", "fills"]

_FILES = {"trades": "round_trips", "orders": "orders", "fills": "trades"}
"""A trade is a round trip; the file of executions keeps the name that its export has."""
_FIRST = {"trades": "entry_ts_utc", "orders": "ts_utc", "fills": "ts_utc"}
_MOST_COMPARED = 8


def run_detail(desk: Desk, name: str) -> dict[str, Any]:
    """Give one run with its manifest, its checks and the returns of its months.

    Args:
        desk: holds the run.
        name: spec, spec/run id, or run id, see `stored_runs.find_run`.

    Returns:
        What `run_listing.run_row` gives, and: `manifest`, `checks` (name, passed, detail),
        `in_sample` (some metrics before `oos`, None when all is out of sample), and `monthly`
        (year, months: twelve percents, None without a day; total_pct).

    Raises:
        MissingPartition: if no run, or more than one, is meant.
        CorruptFile: if it is damaged.
    """
    from trading_assets.evaluation.report_series import monthly_returns
    from trading_assets.workflows.run_logging import in_sample

    run = find_run(desk, name)
    opening = float(run.metrics["all"]["initial_cash"])
    monthly = monthly_returns(run.table("equity_curve"), opening)
    return {
        **run_row(desk, run),
        "manifest": dict(run.manifest),
        "checks": [dict(check) for check in run.checks],
        "in_sample": in_sample(run) or None,
        "monthly": [
            {"year": row["year"], "months": row["months"], "total_pct": row["total"]}
            for row in monthly
        ],
    }


def run_equity(
    desk: Desk,
    name: str,
    *,
    since: Micros = -FOREVER,
    until: Micros = FOREVER,
    points: int,
) -> dict[str, list[Any]]:
    """Give the equity of a run after its bars, with no peak and no trough left out.

    Args:
        desk: holds the run.
        name: as `run_detail`.
        since: first open time of a bar.
        until: end of the span, exclusive.
        points: rows at most.

    Returns:
        `t` (seconds), `equity` in quote, `drawdown` (a fraction below the peak, 0 or more).
    """
    from trading_assets.evaluation.thinning import kept_rows

    frame = _between(find_run(desk, name).table("equity"), since, until)
    rows = kept_rows([frame["equity"].to_numpy(), frame["drawdown"].to_numpy()], points)
    kept = frame[rows]
    return {
        "t": (kept["ts_utc"].to_physical() // 1_000_000).to_list(),
        "equity": kept["equity"].to_list(),
        "drawdown": kept["drawdown"].to_list(),
    }


def run_table(
    desk: Desk,
    name: str,
    table: TableName,
    *,
    symbol: str = "",
    limit: int,
    cursor: str | None = None,
) -> Page[dict[str, Any]]:
    """List trades, orders or fills of a run, the newest first.

    Rows have the columns of `evaluation.run_tables` (ROUND_TRIPS, ORDERS, FILLS), with `ts` in
    place of `ts_utc` and instants in ISO 8601, and: `unit_qty`, the asset that `qty` counts;
    `quote`, the asset of prices and amounts; of orders also `notional` (of what was filled; of an
    order without a fill, at its limit or stop; None where it has neither).

    Args:
        desk: holds the run.
        name: as `run_detail`.
        table: which of the three.
        symbol: only of this one; "" for all.
        limit: rows at most.
        cursor: `next` of the page before.

    Raises:
        MissingPartition, CorruptFile: as `run_detail`.
        DataError: if the cursor is none of this list.
    """
    import polars as pl

    run = find_run(desk, name)
    frame = run.table(_FILES[table]).with_row_index("row")
    if table == "orders":
        frame = _with_notional(run, frame)
    frame = frame.sort(_FIRST[table], "row", descending=True)
    if symbol:
        frame = frame.filter(pl.col("symbol") == symbol)
    after = cursor_key(cursor, (0, 0))
    if after is not None:
        at, row = after
        first = pl.col(_FIRST[table]).to_physical()
        frame = frame.filter((first < at) | ((first == at) & (pl.col("row") < row)))
    units = {grid["symbol"]: grid["base"] for grid in run.manifest["instruments"]}
    quote = run.manifest["config"]["quote"]
    found = frame.head(limit + 1).iter_rows(named=True)
    page = page_of(found, lambda r: (instant_from_any(r[_FIRST[table]]), r["row"]), limit)
    return page.mapped(lambda row: _plain(row) | {"unit_qty": units[row["symbol"]], "quote": quote})


def compare_runs(desk: Desk, names: Sequence[str], *, points: int) -> dict[str, Any]:
    """Lay several runs beside each other, on one grid of instants.

    Args:
        desk: holds the runs.
        names: of two to eight runs, as `run_detail`.
        points: instants of the grid.

    Returns:
        `runs`: name, title, metrics, oos of each; `differences`: what they were told differently,
        see `compare_report.differing_facts`; `series`: name -> `t` (the grid, in seconds),
        `equity_index` (100 at the opening of that run) and `drawdown` (the deepest since the grid's
        instant before), None where the run has no bar yet or no more.

    Raises:
        DataError: if there are too few or too many runs, or one of them twice.
        MissingPartition, CorruptFile: as `run_detail`.
    """
    import numpy as np

    from trading_assets.evaluation.compare_report import compared_metrics, differing_facts

    if len(names) > _MOST_COMPARED:
        raise DataError(
            "So many runs cannot be compared",
            expected=f"2 to {_MOST_COMPARED}",
            found=str(len(names)),
        )
    stored = [find_run(desk, name) for name in names]
    runs = compared(stored)
    compared_metrics(runs)  # refuses too few, and the same one twice
    first = min(run.manifest["first_ts"] for run in stored)
    last = max(run.manifest["last_ts"] for run in stored)
    step = max(1, -(-(last - first) // max(1, points - 1)))
    grid = np.minimum(first + step * np.arange(-(-(last - first) // step) + 1), last)
    return {
        "runs": [
            {
                "name": one.name,
                "run": f"{run.spec}/{run.run_id}",
                "title": run.manifest["label"],
                "quote": one.quote,
                "metrics": run.metrics["all"],
                "oos": run.metrics["oos"],
            }
            for one, run in zip(runs, stored, strict=True)
        ],
        "differences": differing_facts(runs),
        "series": {
            one.name: _on_grid(one.equity, float(one.performance["all"]["initial_cash"]), grid)
            for one in runs
        },
    }


def _on_grid(equity: pl.DataFrame, opening: float, grid: Any) -> dict[str, list[Any]]:
    """Give the last value at each instant, and the deepest drawdown since the instant before."""
    import numpy as np

    ts = equity["ts_utc"].to_physical().to_numpy()
    values, depths = equity["equity"].to_numpy(), equity["drawdown"].to_numpy()
    ends = np.searchsorted(ts, grid, side="right")
    starts = np.concatenate(([0], ends[:-1]))
    index: list[float | None] = []
    deepest: list[float | None] = []
    for start, end, at in zip(starts.tolist(), ends.tolist(), grid.tolist(), strict=True):
        is_over = end == len(ts) and start == end and at > ts[-1]
        known = end > 0 and not is_over
        index.append(100.0 * float(values[end - 1]) / opening if known else None)
        part = depths[start:end] if end > start else depths[end - 1 : end]
        deepest.append(float(part.max()) if known else None)
    return {"t": (grid // 1_000_000).tolist(), "equity_index": index, "drawdown": deepest}


def _with_notional(run: StoredRun, orders: pl.DataFrame) -> pl.DataFrame:
    """Add what orders were worth."""
    import polars as pl

    filled = run.table("filled_orders").select("client_order_id", "avg_price", done="notional")
    points = {g["symbol"]: float(g["point_value"]) for g in run.manifest["instruments"]}
    price = pl.coalesce("limit_price", "stop_price").cast(pl.Float64)
    point = pl.col("symbol").replace_strict(points, return_dtype=pl.Float64)
    wanted = price * pl.col("qty").cast(pl.Float64) * point
    joined = orders.join(filled, on="client_order_id", how="left", maintain_order="left")
    return joined.with_columns(notional=pl.coalesce(pl.col("done").cast(pl.Float64), wanted)).drop(
        "done"
    )


def _between(frame: pl.DataFrame, since: Micros, until: Micros) -> pl.DataFrame:
    import polars as pl

    ts = pl.col("ts_utc").to_physical()
    return frame.filter((ts >= since) & (ts < until))


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Give a row as JSON has it: amounts of a backtest are estimates, so they are floats."""
    renamed = {name.removesuffix("_utc"): value for name, value in row.items() if name != "row"}
    return {name: _value(value) for name, value in renamed.items()}


def _value(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso_text(instant_from_any(value))
    if isinstance(value, Decimal):
        return float(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value
