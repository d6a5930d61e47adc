"""What people see of a run: its page in MLflow, and a few facts for the asset graph."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from trading_assets.domain.bar import DAY
from trading_assets.domain.ids import content_hash
from trading_assets.evaluation.labels import span
from trading_assets.evaluation.metrics import drawdown_series
from trading_assets.evaluation.overfitting import deflated_sharpe_ratio
from trading_assets.evaluation.performance import return_metrics
from trading_assets.evaluation.report import sparkline_markdown
from trading_assets.evaluation.run_tables import daily_equity
from trading_assets.market.bar_frame import instant
from trading_assets.storage import folders
from trading_assets.storage.experiments import LoggedRun
from trading_assets.storage.mlflow_writing import DatasetInput
from trading_assets.storage.run_store import StoredRun
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.run_evidence import oos_returns
from trading_assets.workflows.run_links import linked
from trading_assets.workflows.run_plan import RunPlan

REPORT, ROUND_TRIPS = "report.html", "round_trips.json"
_MOST_ROWS = 1000
"""Of the table in MLflow, which holds it as JSON; the artefacts have all."""
_IN_SAMPLE = ("sharpe", "net_return_pct", "max_drawdown_pct", "volatility_pct", "num_trades")
_SHOWN = (
    "num_trades", "net_return_pct", "sharpe", "max_drawdown_pct", "win_rate", "turnover", "fees",
)  # fmt: skip


def experiment_of(family: str) -> str:
    """Name the experiment of a strategy's backtests."""
    return f"ta/{family}/backtest"


def identity_of(run: StoredRun) -> dict[str, str]:
    """Give the tags that a stored run is found by."""
    return {"run_id": run.run_id, "result.hash": run.result_hash}


def log_to_experiments(
    desk: Desk, plan: RunPlan, run: StoredRun, tags: Mapping[str, str]
) -> LoggedRun:
    """Log a run to MLflow once; give the page that it has from then on.

    Args:
        desk: gives the experiments.
        plan: inputs of the run.
        run: as it stands in the store; its files become the artefacts.
        tags: of the caller, beside the ones that join the run to data, code and result.
    """
    experiment = experiment_of(plan.strategy.name)
    identity = identity_of(run)
    tags = linked(desk.settings, tags)
    logged = desk.experiments.find_run(experiment, identity)
    if logged is None:
        logged = _log(desk, experiment, plan, run, {**identity, **tags})
    elif tags:
        desk.experiments.add_to_run(logged, at=desk.clock.now(), tags=tags)
    current = desk.runs.current(plan.spec.name)
    if current is not None and current.run_id == run.run_id:
        desk.experiments.mark_newest(experiment, logged, plan.spec.name)
    return logged


def _log(
    desk: Desk, experiment: str, plan: RunPlan, run: StoredRun, tags: Mapping[str, str]
) -> LoggedRun:
    manifest = run.manifest
    metrics = {
        f"{prefix}{name}": value
        for part, prefix in (("all", ""), ("oos", "oos."))
        for name, value in (run.metrics[part] or {}).items()
    }
    return desk.experiments.log_run(
        experiment,
        manifest["run_name"],
        params=_params(plan),
        metrics=metrics
        | {f"is.{name}": value for name, value in in_sample(run).items()}
        | _probability(run),
        tags={
            "strategy.id": plan.spec.name,
            "trial_family": plan.strategy.name,
            "stage": "backtest",
            "config.hash": manifest["config_hash"],
            "data.hash": manifest["data_hash"],
            "code.hash": manifest["code_hash"],
            "seed": str(manifest["seed"]),
            "label": manifest["label"],
            **tags,
        },
        artifacts=_artifacts(run.folder),
        curves=_curves(run),
        datasets=datasets_of(desk, plan),
        tables={ROUND_TRIPS: _last_round_trips(run)},
    )


def _last_round_trips(run: StoredRun) -> dict[str, list[Any]]:
    """Give the last round trips by column: numbers, and texts for all else.

    MLflow groups by the first column and compares runs by the second.
    """
    rows, first = run.table("round_trips").tail(_MOST_ROWS), ("entry_ts_utc", "pnl")
    plain = rows.select(
        _plain(name, rows.schema[name]) for name in dict.fromkeys((*first, *rows.columns))
    )
    return plain.to_dict(as_series=False)


def _plain(name: str, kind: pl.DataType) -> pl.Expr:
    if kind.is_numeric():
        return pl.col(name).cast(pl.Float64)
    if isinstance(kind, pl.Datetime):
        return pl.col(name).dt.strftime("%Y-%m-%d %H:%M")
    return pl.col(name).cast(pl.String)


def in_sample(run: StoredRun) -> dict[str, float | None]:
    """Give some metrics before the run's part out of sample; nothing when all of it is."""
    opening, start = float(run.metrics["all"]["initial_cash"]), instant(run.manifest["oos_start"])
    equity = run.table("equity").filter(pl.col("ts_utc") < start)
    if equity.is_empty():
        return {}
    returns = daily_equity(equity, opening)["return_pct"].to_numpy() / 100.0
    per_year, final = float(run.metrics["periods_per_year"]), float(equity["equity"][-1])
    marks = [opening, *equity["equity"]]
    trades = run.table("round_trips").filter(pl.col("entry_ts_utc") < start)
    found = return_metrics(returns, final, opening, per_year) | {
        "max_drawdown_pct": -float(drawdown_series(marks).min()) * 100.0 + 0.0,
        "num_trades": trades.height,
    }
    return {name: found[name] for name in _IN_SAMPLE}


def _probability(run: StoredRun) -> dict[str, float | None]:
    """Give `oos.psr`: the probability that the true Sharpe ratio is above zero."""
    moments = oos_returns(run).moments
    if moments is None:
        return {"oos.psr": None}
    return {"oos.psr": deflated_sharpe_ratio(moments, trials=1, trial_variance=0.0)}


def run_metadata(run: StoredRun, *, url: str, is_new: bool) -> dict[str, Any]:
    """Give what is worth showing of a run, as plain values."""
    whole, oos = run.metrics["all"], run.metrics["oos"] or {}
    manifest = run.manifest
    red = [check["name"] for check in run.checks if not check["passed"]]
    return {
        "label": manifest["label"],
        "run_id": run.run_id,
        "months": f"{manifest['months'][0]} to {manifest['months'][-1]}",
        **{name: whole[name] for name in _SHOWN},
        **{f"oos_{name}": oos.get(name) for name in _SHOWN[:4]},
        "equity": sparkline_markdown(run.table("equity")["equity"].to_numpy()),
        "checks": f"{len(run.checks) - len(red)} of {len(run.checks)} green",
        "not_green": ", ".join(red),
        "refusals": {k: v for k, v in manifest["verdicts"].items() if k not in _QUIET},
        "data_hash": manifest["data_hash"],
        "code_hash": manifest["code_hash"],
        "result_hash": run.result_hash,
        "report": f"{url}/artifacts/{REPORT}",
        "report file": str(run.folder / REPORT),
        "folder": str(run.folder),
        "mlflow": url,
        "reproduced": not is_new,
    }


_QUIET = {"accepted", "no_signal", "no_change", "in_position", "entry_working"}


def _params(plan: RunPlan) -> dict[str, Any]:
    spec = plan.spec
    values: dict[str, Any] = {
        "spec": spec.name,
        "strategy": plan.strategy.name if plan.members else spec.parts[0].strategy,
        "symbols": ",".join(spec.symbols),
        "bar_size": spec.bar_size,
        "months": span(plan.months),
        "cash": str(spec.cash),
        "profile": spec.profile,
    }
    values |= {f"params.{name}": value for name, value in spec.all_params().items()}
    for section in ("sizing", "costs", "limits", "rules"):
        if hasattr(spec, section):  # the sizing of a portfolio is that of its members
            dumped = getattr(spec, section).model_dump(mode="json", exclude_defaults=True)
            values |= {f"{section}.{name}": value for name, value in dumped.items()}
    return values


def _artifacts(folder: Path) -> dict[str, Path]:
    return {name: folder / name for name in sorted(folders.read_index(folder))}


def _curves(run: StoredRun) -> dict[str, list[tuple[int, float]]]:
    """Give equity, net growth in percent and drawdown by day number, from the first day on."""
    opening = float(run.metrics["all"]["initial_cash"])
    days = run.table("equity_curve").with_columns(
        growth_pct=(pl.col("equity") / opening - 1.0) * 100.0
    )
    numbers = (days["ts_utc"].to_physical() // DAY).to_list()
    return {
        name: [
            (number - numbers[0], value)
            for number, value in zip(numbers, days[name].to_list(), strict=True)
        ]
        for name in ("equity", "growth_pct", "drawdown")
    }


def datasets_of(desk: Desk, plan: RunPlan) -> list[DatasetInput]:
    """Give one data set per table; its hash is that of all versions read."""
    versions: dict[str, dict[str, str]] = {}
    for address, version in plan.inputs.items():
        versions.setdefault(address.split("/")[0], {})[address] = version
    return [
        DatasetInput(
            f"{table} {span(plan.months)}",
            content_hash(read),
            desk.tables.folder(table, None, None),
            "backtest",
        )
        for table, read in sorted(versions.items())
    ]
