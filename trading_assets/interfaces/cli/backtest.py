"""`trading-assets backtest`: run strategy specs over history."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from typer.core import TyperGroup

from trading_assets.domain.errors import DataError, MissingPartition
from trading_assets.domain.instants import FOREVER, instant_from_text
from trading_assets.interfaces.cli.completions import spec_names
from trading_assets.interfaces.cli.desk_settings import load_settings
from trading_assets.interfaces.cli.instants import From, To
from trading_assets.interfaces.cli.tables import AsJson, new_table, open_desk, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from trading_assets.workflows.run_backtest import RunRecord


class _RunUnlessNamed(TyperGroup):
    """`backtest SPEC` is `backtest run SPEC`: what is no command is a spec."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Put `run` before the first word when it names no command."""
        if args and args[0] not in self.commands:
            args = ["run", *args]
        return super().resolve_command(ctx, args)


app = typer.Typer(
    help="Run strategy specs over history: `backtest SPEC` is `backtest run SPEC`.",
    no_args_is_help=True,
    cls=_RunUnlessNamed,
)


@app.command()
def specs(as_json: AsJson = False) -> None:
    """List the specs of this desk, and its portfolios: the shipped ones and your own.

    Example: trading-assets backtest specs
    """
    from trading_assets.workflows.strategy_specs import list_portfolios, list_specs

    settings = load_settings().settings
    found = list_specs(settings).values()
    portfolios = list_portfolios(settings).values()
    if as_json:
        everything = {s.name: s.model_dump(mode="json") for s in found}
        everything |= {p.name: p.model_dump(mode="json") for p in portfolios}
        typer.echo(json.dumps(everything, indent=2))
        return
    table = new_table("name", "strategy", "symbols", "sizing", "what it is")
    for spec in found:
        symbols = ", ".join(spec.symbols)
        table.add_row(spec.name, spec.strategy, symbols, spec.sizing.mode, escape(spec.description))
    for one in portfolios:
        members = ", ".join(f"{m.spec.name} {m.allocation_pct} %" for m in one.members)
        symbols = ", ".join(one.symbols)
        table.add_row(one.name, "portfolio", symbols, members, escape(one.description))
    Console().print(table)


@app.command()
def run(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            autocompletion=spec_names, help="Specs and portfolios; all of them if none."
        ),
    ] = None,
    first: From = "",
    end: To = "",
    as_json: AsJson = False,
) -> None:
    """Run specs on the current tables; the same inputs give the same run, byte for byte.

    With a span, only bars that open in [--from, --to) are traded; such a run is kept and logged,
    but decisions do not look at it. A spec that has no month to run on is named at the end, after
    all others have run.

    Example: trading-assets backtest run ema_trend --from 2024-01-15 --to 2024-03-01
    """
    from trading_assets.workflows.run_backtest import run_backtest
    from trading_assets.workflows.strategy_specs import find_any, list_portfolios, list_specs

    span, desk = _span(first, end), open_desk()
    missing, records = [], []
    with _steps() as begin:
        everything = [*list_specs(desk.settings), *list_portfolios(desk.settings)]
        for name in names or everything:
            spec = find_any(desk.settings, name)
            try:
                record = run_backtest(desk, spec, span=span, report=begin(name))
            except MissingPartition as error:
                missing.append(f"{name}: {error}")
                continue
            records.append(record)
            if not as_json:
                _tell(record)
    if as_json:
        typer.echo(json.dumps([_plain(record) for record in records], indent=2))
    for line in missing:
        typer.echo(line, err=True)
    if missing:
        raise typer.Exit(1)


@app.command()
def signals(
    name: Annotated[str, typer.Argument(autocompletion=spec_names, help="A spec.")],
    month: Annotated[str, typer.Argument(help="YYYY-MM.")],
    out: Annotated[Path, typer.Argument(help="A new file, .csv or .parquet.")],
    as_json: AsJson = False,
) -> None:
    """Write what a spec says at every bar of a month, on the current tables, into a file.

    Example: trading-assets backtest signals ema_trend 2024-03 signals.csv
    """
    from trading_assets.domain.ids import Month
    from trading_assets.workflows.export_bars import write_export
    from trading_assets.workflows.export_signals import signal_rows

    frame = signal_rows(open_desk(), name, Month.from_text(month))
    write_export(frame, out)
    say({"rows": frame.height, "file": out}, f"{frame.height} signals in {out}", as_json=as_json)


@app.command()
def catalog(as_json: AsJson = False) -> None:
    """Rebuild catalog.duckdb from the run store; nothing else may have it open.

    Example: trading-assets backtest catalog
    """
    import duckdb

    from trading_assets.storage.catalog import rebuild

    desk = open_desk()
    path = desk.settings.data_root / "catalog.duckdb"
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(path)) as connection:
        count = rebuild(connection, desk.runs, desk.releases.decisions)
    say({"runs": count, "file": path}, f"{count} runs in {path}", as_json=as_json)


def _span(first: str, end: str) -> tuple[int, int] | None:
    if not first and not end:
        return None
    start = instant_from_text(first) if first else -FOREVER
    stop = instant_from_text(end) if end else FOREVER
    if start >= stop:
        raise DataError(
            "The span is empty", expected="--from before --to", found=f"{first} to {end}"
        )
    return start, stop


def _tell(record: RunRecord) -> None:
    state = "new run" if record.is_new else "run again, equal to the byte,"
    typer.echo(f"{record.label}\n  {state} {record.run.run_id} in {record.run.folder}")
    typer.echo(f"  {record.run.folder / 'report.html'}")
    if "held_out" in record.metadata:
        typer.echo(f"  {record.metadata['held_out']}")


def _plain(record: RunRecord) -> dict[str, Any]:
    return {
        "spec": record.run.spec,
        "run_id": record.run.run_id,
        "result_hash": record.run.result_hash,
        "label": record.label,
        "is_new": record.is_new,
        "folder": str(record.run.folder),
        "metrics": record.run.metrics,
    }


@contextmanager
def _steps() -> Iterator[Callable[[str], Callable[[str], None]]]:
    """Show on stderr what is done now, where a person looks."""
    console = Console(stderr=True)
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        task = progress.add_task("reading what there is", total=None)

        def begin(name: str) -> Callable[[str], None]:
            return lambda step: progress.update(task, description=f"{name}: {step}")

        yield begin
