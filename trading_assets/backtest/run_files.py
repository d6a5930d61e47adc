"""Every file of a run, as it is stored, logged and handed on; equal inputs give equal bytes."""

from __future__ import annotations

from datetime import UTC, datetime

from trading_assets.backtest.bytes_of import json_bytes
from trading_assets.backtest.result import BacktestResult
from trading_assets.evaluation.report import drawdown_png, equity_png

REPORT = "report.html"


def run_files(result: BacktestResult) -> dict[str, bytes]:
    """Give file name -> content: tables, metrics, pictures, report, spec, label, manifest.

    Tables come as CSV (fixed columns) and Parquet (all columns): `orders`, `trades` (fills),
    `filled_orders`, `round_trips`, `positions`, `equity`, `equity_curve` (days), `refusals`,
    `financing`.
    """
    equity = result.equity.rename({"ts_utc": "ts"})
    oos_start = datetime.fromtimestamp(result.oos_start / 1_000_000, tz=UTC)
    return {
        **result.number_files,
        "equity_curve.png": equity_png(equity, title=result.label, oos_start=oos_start),
        "drawdown_curve.png": drawdown_png(equity, title=result.label, oos_start=oos_start),
        REPORT: result.html(),
        "spec.yaml": result.spec.canonical_yaml().encode(),
        "label.txt": f"{result.label}\n".encode(),
        "manifest.json": json_bytes(result.manifest),
    }
