"""`trading-assets runs`: what backtests have left, one by one and side by side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console
from rich.markup import escape

from trading_assets.domain.instants import time_text
from trading_assets.interfaces.cli.completions import run_names, spec_names
from trading_assets.interfaces.cli.tables import AsJson, cell, new_table, open_desk, say, working

if TYPE_CHECKING:
    from trading_assets.storage.run_store import StoredRun

app = typer.Typer(help="Look at runs of backtests, and compare them.", no_args_is_help=True)

_RUN = "A spec (its current run), spec/run id, or a run id; the beginning of an id is enough."


@app.command("list")
def list_runs(
    spec: Annotated[
        str, typer.Argument(autocompletion=spec_names, help="Only runs of this spec.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """List the runs in the store; the current one of each spec is marked.

    Example: trading-assets runs list ema_trend
    """
    from trading_assets.workflows.stored_runs import stored_runs

    store = open_desk().runs
    current = {name: run.run_id for name in store.specs() if (run := store.current(name))}
    rows = [
        _facts(run, is_current=current.get(run.spec) == run.run_id)
        for run in stored_runs(store, spec)
    ]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    table = new_table(
        "spec", "run", "now", "first bar", "last bar", "trades", "net %", "Sharpe", "max DD %",
        "OOS trades", "OOS net %",
    )  # fmt: skip
    for row in rows:
        table.add_row(*(cell(row[name]) for name in row if name != "label"))
    Console().print(table)


@app.command()
def show(
    name: Annotated[str, typer.Argument(autocompletion=run_names, help=_RUN)],
    as_json: AsJson = False,
) -> None:
    """Show one run: result, why there was no trade, checks, hashes, files.

    Example: trading-assets runs show ema_trend
    """
    from trading_assets.evaluation.glossary import GLOSSARY, metric_text
    from trading_assets.workflows.stored_runs import find_run

    run = find_run(open_desk(), name)
    if as_json:
        shown = {"manifest": run.manifest, "metrics": run.metrics, "checks": run.checks}
        typer.echo(json.dumps(shown, indent=2))
        return
    console, manifest = Console(), run.manifest
    console.print(f"[bold]{escape(manifest['label'])}[/]", highlight=False)
    console.print(str(run.folder), highlight=False, soft_wrap=True)
    quote, oos = manifest["config"]["quote"], run.metrics["oos"] or {}
    table = new_table("metric", "whole run", "out of sample")
    for metric, value in run.metrics["all"].items():
        table.add_row(
            GLOSSARY[metric].label,
            metric_text(metric, value, quote),
            metric_text(metric, oos.get(metric), quote),
        )
    console.print(table)
    if "why_not" in manifest:  # runs of older versions have no reasons
        reasons = new_table("opportunities", f"{manifest['opportunities']:,}")
        for reason, count in {"traded": manifest["traded"], **manifest["why_not"]}.items():
            reasons.add_row(reason, f"{count:,}")
        console.print(reasons)
    checks = new_table("check", "green", "what was seen")
    for check in run.checks:
        checks.add_row(check["name"], cell(check["passed"]), escape(check["detail"]))
    console.print(checks)
    for hashed in ("result_hash", "data_hash", "code_hash", "config_hash"):
        console.print(f"{hashed} {manifest[hashed]}", highlight=False)


@app.command()
def compare(
    names: Annotated[
        list[str], typer.Argument(autocompletion=run_names, help=f"Two to eight runs. {_RUN}")
    ],
    html: Annotated[
        Path | None, typer.Option("--html", help="Write a page with an overlay of the equities.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare runs: their metrics, and what they were told differently.

    Example: trading-assets runs compare ib_fixed1 ib_risk1 --html compared.html
    """
    from trading_assets.evaluation.compare_report import (
        compare_page,
        compared_metrics,
        differing_facts,
    )
    from trading_assets.evaluation.glossary import GLOSSARY, metric_text
    from trading_assets.workflows.stored_runs import compared, find_run

    desk = open_desk()
    runs = compared([find_run(desk, name) for name in names])
    metrics, oos, facts = (
        compared_metrics(runs), compared_metrics(runs, "oos"), differing_facts(runs)
    )  # fmt: skip
    if html is not None:
        html.write_bytes(compare_page(runs))
    titles = [run.name for run in runs]
    if as_json:
        shown = {"runs": titles, "metrics": metrics, "oos": oos, "differences": facts}
        typer.echo(json.dumps(shown, indent=2))
        return
    console = Console()
    for title, values in (("metric", metrics), ("out of sample", oos)):
        table = new_table(title, *titles)
        for name, row in values.items():
            texts = (metric_text(name, v, r.quote) for v, r in zip(row, runs, strict=True))
            table.add_row(GLOSSARY[name].label, *texts)
        console.print(table)
    differences = new_table("what differs", *titles)
    for key, told in facts.items():
        differences.add_row(key, *(escape(text) for text in told))
    console.print(differences)
    if html is not None:
        console.print(f"overlay in {html}", highlight=False, soft_wrap=True)


@app.command()
def export(
    name: Annotated[str, typer.Argument(autocompletion=run_names, help=_RUN)],
    out: Annotated[Path, typer.Argument(help="A new file, .csv or .parquet.")],
    table: Annotated[
        Literal["orders", "trades", "round_trips"],
        typer.Option(help="`trades` are fills, `round_trips` from entry to exit."),
    ] = "orders",
    as_json: AsJson = False,
) -> None:
    """Write the orders of a run, its fills or its round trips into a file for other programs.

    Example: trading-assets runs export ema_trend orders.csv
    """
    from trading_assets.workflows.export_bars import write_export
    from trading_assets.workflows.stored_runs import find_run

    frame = find_run(open_desk(), name).table(table)
    write_export(frame, out)
    say({"rows": frame.height, "file": out}, f"{frame.height} {table} in {out}", as_json=as_json)


@app.command()
def verify(as_json: AsJson = False) -> None:
    """Hash every file of every run and examination again; a flipped bit is named.

    Example: trading-assets runs verify
    """
    desk = open_desk()
    with working("hashing every file"):
        files = desk.runs.verify() + desk.examinations.verify()
    say({"files": files}, f"{files} files are as they were published", as_json=as_json)


def _facts(run: StoredRun, *, is_current: bool) -> dict[str, Any]:
    whole, oos, manifest = run.metrics["all"], run.metrics["oos"] or {}, run.manifest
    return {
        "spec": run.spec,
        "run_id": run.run_id,
        "is_current": is_current,
        "first": time_text(manifest["first_ts"])[:16],
        "last": time_text(manifest["last_ts"])[:16],
        "num_trades": whole["num_trades"],
        "net_return_pct": whole["net_return_pct"],
        "sharpe": whole["sharpe"],
        "max_drawdown_pct": whole["max_drawdown_pct"],
        "oos_num_trades": oos.get("num_trades"),
        "oos_net_return_pct": oos.get("net_return_pct"),
        "label": manifest["label"],
    }
