"""`trading-assets backtest`: run strategy specs over history, and look at what came of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from trading_assets.domain.errors import MissingPartition
from trading_assets.settings import load_settings

if TYPE_CHECKING:
    from trading_assets.storage.run_store import StoredRun
    from trading_assets.workflows.desk import Desk

app = typer.Typer(help="Run strategy specs over history.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def specs(as_json: AsJson = False) -> None:
    """List the strategy specs of this desk: the shipped ones and those in specs_dir."""
    from trading_assets.workflows.strategy_specs import list_specs

    found = list_specs(load_settings().settings).values()
    if as_json:
        typer.echo(json.dumps({s.name: s.model_dump(mode="json") for s in found}, indent=2))
        return
    table = _table("name", "strategy", "symbols", "sizing", "what it is")
    for spec in found:
        symbols = ", ".join(spec.symbols)
        table.add_row(spec.name, spec.strategy, symbols, spec.sizing.mode, escape(spec.description))
    Console().print(table)


@app.command()
def run(
    names: Annotated[list[str] | None, typer.Argument(help="Specs; all of them if none.")] = None,
) -> None:
    """Run specs on the current tables; the same inputs give the same run, byte for byte.

    A spec that has no month to run on is named at the end, after all others have run.
    """
    from trading_assets.workflows.run_backtest import run_backtest
    from trading_assets.workflows.strategy_specs import find_spec, list_specs

    desk = _desk()
    chosen = names or list(list_specs(desk.settings))
    missing = []
    for name in chosen:
        try:
            record = run_backtest(desk, find_spec(desk.settings, name))
        except MissingPartition as error:
            missing.append(f"{name}: {error}")
            continue
        state = "new run" if record.is_new else "run again, equal to the byte,"
        typer.echo(f"{record.label}\n  {state} {record.run.run_id} in {record.run.folder}")
    for line in missing:
        typer.echo(line, err=True)
    if missing:
        raise typer.Exit(1)


@app.command("list")
def list_runs(as_json: AsJson = False) -> None:
    """List the newest run of every spec."""
    store = _desk().runs
    runs = [run for name in store.specs() if (run := store.current(name))]
    if as_json:
        typer.echo(json.dumps([_facts(run) for run in runs], indent=2))
        return
    table = _table(
        "spec", "run", "months", "trades", "net %", "Sharpe", "max DD %", "OOS trades", "OOS net %"
    )
    for run in runs:
        facts = _facts(run)
        table.add_row(*(_text(facts[name]) for name in facts if name != "label"))
    Console().print(table)


@app.command()
def show(name: str, as_json: AsJson = False) -> None:
    """Show the newest run of a spec: result, checks, inputs, files."""
    desk = _desk()
    run = desk.runs.current(name)
    if run is None:
        raise MissingPartition(
            f"Spec {name} was never run",
            expected="a run in the run store",
            found="none",
            fix=f"`trading-assets backtest run {name}`",
        )
    if as_json:
        shown = {"manifest": run.manifest, "metrics": run.metrics, "checks": run.checks}
        typer.echo(json.dumps(shown, indent=2))
        return
    console = Console()
    console.print(f"[bold]{run.manifest['label']}[/]", highlight=False)
    console.print(f"{run.folder}", highlight=False)
    table = _table("metric", "whole run", "out of sample")
    oos = run.metrics["oos"] or {}
    for metric, value in run.metrics["all"].items():
        table.add_row(metric, _text(value), _text(oos.get(metric)))
    console.print(table)
    checks = _table("check", "green", "what was seen")
    for check in run.checks:
        checks.add_row(check["name"], _text(check["passed"]), escape(check["detail"]))
    console.print(checks)


@app.command()
def catalog() -> None:
    """Rebuild catalog.duckdb from the run store; nothing else may have it open."""
    import duckdb

    from trading_assets.storage.catalog import rebuild

    desk = _desk()
    path = desk.settings.data_root / "catalog.duckdb"
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(path)) as connection:
        count = rebuild(connection, desk.runs, desk.releases.decisions)
    typer.echo(f"{count} runs in {path}")


@app.command()
def verify() -> None:
    """Hash every file of every run again; a flipped bit is named."""
    typer.echo(f"{_desk().runs.verify()} files are as they were published")


def _desk() -> Desk:
    from trading_assets import bootstrap

    return bootstrap.desk(load_settings().settings)


def _facts(run: StoredRun) -> dict[str, Any]:
    whole, oos = run.metrics["all"], run.metrics["oos"] or {}
    months = run.manifest["months"]
    return {
        "spec": run.spec,
        "run_id": run.run_id,
        "months": f"{months[0]} to {months[-1]}",
        "num_trades": whole["num_trades"],
        "net_return_pct": whole["net_return_pct"],
        "sharpe": whole["sharpe"],
        "max_drawdown_pct": whole["max_drawdown_pct"],
        "oos_num_trades": oos.get("num_trades"),
        "oos_net_return_pct": oos.get("net_return_pct"),
        "label": run.manifest["label"],
    }


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.2f}"
    return "-" if value is None else str(value)
