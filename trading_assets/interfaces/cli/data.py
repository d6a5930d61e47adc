"""`trading-assets data`: bring market data in, look at it, prove it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Micros, Month, Symbol, months_between, symbol_from_text
from trading_assets.interfaces.cli import calendars, data_quality
from trading_assets.settings import load_settings

if TYPE_CHECKING:
    from trading_assets.workflows.desk import Desk
    from trading_assets.workflows.published import Published

app = typer.Typer(help="Bring market data in, look at it, prove it.", no_args_is_help=True)
app.command()(calendars.calendars)
for _command in (data_quality.quality, data_quality.repair, data_quality.diff):
    app.command()(_command)

SymbolOptions = Annotated[
    list[str] | None, typer.Option("--symbol", help="May be repeated; all of the settings if not.")
]
Refresh = Annotated[bool, typer.Option("--refresh", help="Fetch again what is already there, too.")]


@app.command()
def ingest(symbol: str, month: str, refresh: Refresh = False) -> None:
    """Fetch one month of a symbol and publish its bars in all sizes."""
    from trading_assets.workflows.market_month import market_month

    published = market_month(
        _desk(), symbol_from_text(symbol), Month.from_text(month), refresh=refresh
    )
    _print_published(published)


@app.command()
def backfill(
    first: Annotated[str, typer.Option("--from", help="First month, YYYY-MM.")] = "",
    last: Annotated[str, typer.Option("--to", help="Last month; the current one if not.")] = "",
    symbol: SymbolOptions = None,
    refresh: Refresh = False,
) -> None:
    """Do the same for a range of months; months that fail are listed at the end."""
    from trading_assets.workflows.market_month import market_month

    desk = _desk()
    symbols = _symbols(symbol) or desk.settings.symbols
    published: list[Published] = []
    failures: list[tuple[Symbol, Month, DataError]] = []
    with desk.history() as sources, _progress() as progress:
        months = months_between(
            Month.from_text(first) if first else desk.settings.first_month,
            Month.from_text(last) if last else Month.of(sources.now()),
        )
        task = progress.add_task("", total=len(symbols) * len(months))
        for month in months:
            for name in symbols:
                progress.update(task, description=f"{name} {month}")
                try:
                    published += market_month(
                        desk, name, month, history=sources.of(name), refresh=refresh
                    )
                except DataError as error:
                    failures.append((name, month, error))
                progress.advance(task)
    _print_published(published)
    for name, month, failure in failures:
        typer.echo(f"{name} {month}: {type(failure).__name__}: {failure}", err=True)
    if failures:
        raise typer.Exit(1)


@app.command()
def verify() -> None:
    """Hash every file of every version again, and name those that are not as promised."""
    desk = _desk()
    faults = 0
    for what, checked in (("tables", desk.tables.verify()), ("raw", desk.raw.verify())):
        typer.echo(
            f"{what}: {checked.files} files, {checked.size_bytes / 1e6:.1f} MB, "
            f"{len(checked.faults)} faults"
        )
        for fault in checked.faults:
            typer.echo(str(fault), err=True)
        faults += len(checked.faults)
    if faults:
        raise typer.Exit(1)


@app.command()
def show(
    symbol: str,
    month: str,
    table: Annotated[str, typer.Option(help="Which table.")] = "bars_1m",
    rows: Annotated[int, typer.Option(min=0, help="How many of the first rows.")] = 5,
    version: Annotated[
        int | None, typer.Option(help="Number of a manifest; the current one if not.")
    ] = None,
) -> None:
    """Show the versions of a partition, and the first rows of one of them."""
    desk = _desk()
    name, span = symbol_from_text(symbol), Month.from_text(month)
    current = desk.tables.require(table, name, span)
    history = desk.tables.history(table, name, span)
    chosen = current if version is None else next((m for m in history if m.n == version), None)
    if chosen is None:
        raise DataError(
            f"{current.address} has no version {version}",
            expected=f"1 to {current.n}",
            found=str(version),
        )
    _print_table(
        ("version", "published (UTC)", "rows", "missing minutes", "row hash", "file"),
        (
            [
                str(m.n),
                _time_text(m.published_at),
                str(m.rows),
                str(sum(gap.minutes for gap in m.gaps)),
                m.version[:16],
                m.file,
            ]
            for m in history
        ),
    )
    frame = desk.tables.read_manifest(chosen).head(rows)
    _print_table(frame.columns, ([str(value) for value in row] for row in frame.iter_rows()))


def _desk() -> Desk:
    from trading_assets import bootstrap

    return bootstrap.desk(load_settings().settings)


def _symbols(texts: list[str] | None) -> tuple[Symbol, ...]:
    return tuple(symbol_from_text(text) for text in texts or ())


def _progress() -> Progress:
    """Draw on stderr, and only where a person looks."""
    return Progress(
        TextColumn("{task.description:<20}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def _print_published(published: Iterable[Published]) -> None:
    _print_table(
        ("table", "symbol", "month", "rows", "missing minutes", "version", "new"),
        (
            [
                item.table,
                str(item.symbol),
                str(item.month),
                str(item.rows),
                str(item.metadata.get("missing_minutes", "")),
                item.version[:16],
                "yes" if item.changed else "",
            ]
            for item in published
        ),
    )


def _print_table(headings: Iterable[str], rows: Iterable[list[str]]) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, no_wrap=True)
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def _time_text(ts: Micros) -> str:
    return datetime.fromtimestamp(ts // 1_000_000, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")
