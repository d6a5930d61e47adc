"""`trading-assets data`: bring market data in, look at it, prove it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from trading_assets.domain.errors import DataError, NotTraded
from trading_assets.domain.ids import Month, Symbol, months_between, symbol_from_text
from trading_assets.interfaces.cli import (
    calendars,
    data_export,
    data_gc,
    data_quality,
    data_stream,
    universe,
)
from trading_assets.interfaces.cli.completions import SymbolName, symbol_names
from trading_assets.interfaces.cli.desk_settings import load_settings
from trading_assets.interfaces.cli.instants import AsOf, instant_from_text, time_text
from trading_assets.interfaces.cli.tables import AsJson, json_text
from trading_assets.interfaces.cli.verified import print_verified

if TYPE_CHECKING:
    from trading_assets.storage.partition_store import Manifest
    from trading_assets.storage.verification import Verification
    from trading_assets.workflows.desk import Desk
    from trading_assets.workflows.ingest_month import Told
    from trading_assets.workflows.published import Published

app = typer.Typer(help="Bring market data in, look at it, prove it.", no_args_is_help=True)
app.command()(calendars.calendars)
app.command()(data_export.export)
app.command()(data_gc.gc)
app.command()(data_stream.stream)
app.command()(universe.universe)
for _command in (data_quality.quality, data_quality.repair, data_quality.diff):
    app.command()(_command)

SymbolOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--symbol", autocompletion=symbol_names, help="May be repeated; all of the settings if not."
    ),
]
First = Annotated[str, typer.Option("--from", help="First month, YYYY-MM.")]
Last = Annotated[str, typer.Option("--to", help="Last month; the current one if not.")]
Refresh = Annotated[bool, typer.Option("--refresh", help="Fetch again what is already there, too.")]


@app.command()
def ingest(
    symbol: SymbolName, month: str, refresh: Refresh = False, as_json: AsJson = False
) -> None:
    """Fetch one month of a symbol and publish its bars in all sizes.

    Example: trading-assets data ingest BTCUSDT 2024-03
    """
    from trading_assets.workflows.market_month import market_month
    from trading_assets.workflows.strategy_specs import sizes_traded

    name, span = symbol_from_text(symbol), Month.from_text(month)
    desk = _desk()
    asked = sizes_traded(desk.settings)
    with _progress() as progress:
        told = _told(progress, progress.add_task(f"{name} {span}", total=None))
        published = market_month(desk, name, span, refresh=refresh, told=told, asked=asked)
    _print_published(published, as_json=as_json)


@app.command()
def fetch(
    first: First = "",
    last: Last = "",
    symbol: SymbolOptions = None,
    refresh: Refresh = False,
    as_json: AsJson = False,
) -> None:
    """Fetch the vendors' bytes of a range of months, and nothing more.

    What is stored, finished and sound is not fetched again.

    Example: trading-assets data fetch --from 2024-01 --to 2024-03 --symbol BTCUSDT
    """
    from trading_assets.workflows.ingest_month import ingest_month

    desk = _desk()
    with desk.history() as sources:

        def one(name: Symbol, month: Month, told: Told) -> tuple[Published, ...]:
            history = sources.of(name)
            return (ingest_month(desk, name, month, history=history, refresh=refresh, told=told),)

        until = last or str(Month.of(sources.now()))
        _each_month(desk, one, symbol, first, until, as_json=as_json)


@app.command()
def assemble(
    first: First = "", last: Last = "", symbol: SymbolOptions = None, as_json: AsJson = False
) -> None:
    """Publish the bars of all sizes from what was fetched; no source is opened.

    Example: trading-assets data assemble --from 2024-01 --to 2024-03 --symbol BTCUSDT
    """
    from trading_assets.workflows.market_month import assemble_month
    from trading_assets.workflows.strategy_specs import sizes_traded

    desk = _desk()
    asked = sizes_traded(desk.settings)
    _each_month(
        desk,
        lambda name, month, _: assemble_month(desk, name, month, asked),
        symbol,
        first,
        last or str(Month.of(desk.clock.now())),
        as_json=as_json,
    )


@app.command()
def backfill(
    first: First = "",
    last: Last = "",
    symbol: SymbolOptions = None,
    refresh: Refresh = False,
    as_json: AsJson = False,
) -> None:
    """Fetch and assemble a range of months; months that fail are listed at the end.

    Example: trading-assets data backfill --from 2024-01 --to 2024-03
    """
    from trading_assets.workflows.market_month import market_month
    from trading_assets.workflows.strategy_specs import sizes_traded

    desk = _desk()
    asked = sizes_traded(desk.settings)
    with desk.history() as sources:

        def one(name: Symbol, month: Month, told: Told) -> tuple[Published, ...]:
            history = sources.of(name)
            return market_month(
                desk, name, month, history=history, refresh=refresh, told=told, asked=asked
            )

        until = last or str(Month.of(sources.now()))
        _each_month(desk, one, symbol, first, until, as_json=as_json)


def _each_month(
    desk: Desk,
    work: Callable[[Symbol, Month, Told], tuple[Published, ...]],
    symbol: list[str] | None,
    first: str,
    last: str,
    *,
    as_json: bool,
) -> None:
    """Do some work for every symbol and month, go on after one that fails, and say which did.

    A month in which a symbol was not traded is named and is no failure.
    """
    symbols = _symbols(symbol) or desk.settings.symbols
    start = Month.from_text(first) if first else desk.settings.first_month
    months = months_between(start, Month.from_text(last))
    published: list[Published] = []
    outside: list[str] = []
    failures: list[tuple[Symbol, Month, DataError]] = []
    with _progress() as progress:
        task = progress.add_task("", total=len(symbols) * len(months))
        told = _told(progress, progress.add_task("  objects of the month", total=None))
        for month in months:
            for name in symbols:
                progress.update(task, description=f"{name} {month}")
                try:
                    published += work(name, month, told)
                except NotTraded as error:
                    outside.append(f"{name} {month}: {error}")
                except DataError as error:
                    failures.append((name, month, error))
                progress.advance(task)
    _print_published(published, as_json=as_json)
    for note in outside:
        typer.echo(note, err=True)
    for name, month, failure in failures:
        typer.echo(f"{name} {month}: {type(failure).__name__}: {failure}", err=True)
    if failures:
        raise typer.Exit(1)


@app.command()
def verify(as_json: AsJson = False) -> None:
    """Hash every file of every version again, and name those that are not as promised.

    Example: trading-assets data verify
    """
    desk = _desk()
    found: dict[str, Verification] = {}
    for what, check in (("tables", desk.tables.verify), ("raw", desk.raw.verify)):
        with _progress() as progress:
            found[what] = check(told=_told(progress, progress.add_task(what, total=None)))
    print_verified(found, as_json=as_json)


@app.command()
def show(
    symbol: SymbolName,
    month: str,
    table: Annotated[str, typer.Option(help="Which table.")] = "bars_1m",
    rows: Annotated[int, typer.Option(min=0, help="How many of the first rows.")] = 5,
    version: Annotated[
        int | None, typer.Option(help="Number of a manifest; the current one if not.")
    ] = None,
    as_of: AsOf = "",
    as_json: AsJson = False,
) -> None:
    """Show the versions of a partition, and the first rows of one of them.

    Example: trading-assets data show BTCUSDT 2024-03 --as-of 2026-03-01T12:00
    """
    desk = _desk()
    name, span = symbol_from_text(symbol), Month.from_text(month)
    current = desk.tables.require(table, name, span)
    history = desk.tables.history(table, name, span)
    if as_of and version is None:
        chosen = desk.tables.as_of(table, name, span, instant_from_text(as_of))
    else:
        known = [m for m in history if not as_of or m.published_at <= instant_from_text(as_of)]
        chosen = next((m for m in reversed(known) if version in (None, m.n)), None)
    if chosen is None:
        numbers = ", ".join(str(m.n) for m in history)
        raise DataError(
            f"{current.address} has no such version",
            expected=f"one of {numbers}, published by the instant that was named",
            found=f"version {version or 'any'}, as of {as_of or 'now'}",
        )
    frame = desk.tables.read_manifest(chosen).head(rows)
    if as_json:
        typer.echo(json_text({"versions": _versions(history), "rows": frame.to_dicts()}))
        return
    _print_table(
        ("version", "published (UTC)", "rows", "missing minutes", "row hash", "file"),
        ([*map(str, told.values())] for told in _versions(history, digits=16)),
    )
    _print_table(frame.columns, ([str(value) for value in row] for row in frame.iter_rows()))


def _versions(history: Iterable[Manifest], *, digits: int = 64) -> list[dict[str, Any]]:
    return [
        {
            "version": m.n,
            "published": time_text(m.published_at),
            "rows": m.rows,
            "missing_minutes": sum(gap.minutes for gap in m.gaps),
            "row_hash": m.version[:digits],
            "file": m.file,
        }
        for m in history
    ]


def _desk() -> Desk:
    from trading_assets import bootstrap

    return bootstrap.desk(load_settings().settings)


def _symbols(texts: list[str] | None) -> tuple[Symbol, ...]:
    return tuple(symbol_from_text(text) for text in texts or ())


def _progress() -> Progress:
    """Draw on stderr, and only where a person looks."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description:<20}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def _told(progress: Progress, task: TaskID) -> Told:
    """Let one bar follow the objects of a month."""

    def told(done: int, total: int) -> None:
        progress.update(task, completed=done, total=total)

    return told


def _print_published(published: Iterable[Published], *, as_json: bool) -> None:
    if as_json:
        told = [
            {
                "table": item.table,
                "symbol": item.symbol,
                "month": item.month,
                "rows": item.rows,
                "missing_minutes": item.metadata.get("missing_minutes"),
                "version": item.version,
                "changed": item.changed,
            }
            for item in published
        ]
        typer.echo(json_text(told))
        return
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
