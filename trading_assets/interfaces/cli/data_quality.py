"""`trading-assets data quality`, `repair` and `diff`: what is missing, odd or restated."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Month, Symbol, symbol_from_text
from trading_assets.interfaces.cli.completions import SymbolName, symbol_names
from trading_assets.interfaces.cli.desk_settings import load_settings
from trading_assets.interfaces.cli.instants import instant_from_text, time_text
from trading_assets.interfaces.cli.tables import AsJson, json_text

if TYPE_CHECKING:
    from trading_assets.workflows.desk import Desk

Symbols = Annotated[
    list[str] | None,
    typer.Option(
        "--symbol", autocompletion=symbol_names, help="May be repeated; all of the settings if not."
    ),
]
Months = Annotated[
    list[str] | None,
    typer.Option("--month", help="May be repeated; every month of the source if not."),
]


def quality(
    symbol: Symbols = None,
    month: Months = None,
    report: Annotated[
        bool, typer.Option("--report", help="What else was found in each month, counted.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the gaps: last bar before, first bar after (UTC), and the missing minutes between.

    Of a source that gives larger bars the bars are those, and the minutes are those of trading.

    Example: trading-assets data quality --symbol BTCUSDT --report
    """
    from trading_assets.workflows.data_quality import data_quality, quality_reports

    months = tuple(Month.from_text(text) for text in month or ())
    symbols = tuple(symbol_from_text(text) for text in symbol or ())
    if report:
        found = quality_reports(_desk(), symbols, months)
        if as_json:
            typer.echo(json.dumps(found, indent=2))
        else:
            shown = ("symbol", "month", "rows", *_COUNTS)
            _print_table(shown, ([str(row[name]) for name in shown] for row in found))
        return
    rows = [asdict(row) for row in data_quality(_desk(), symbols, months)]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    headings = {
        "symbol": "symbol",
        "start": "last bar before",
        "end": "first bar after",
        "minutes": "missing minutes",
        "cause": "cause",
        "confirmed": "confirmed by the vendor",
    }
    if any(row["native_bars"] is not None for row in rows):
        headings["native_bars"] = "missing bars of the source"
    _print_table(headings.values(), ([str(row[n] or "") for n in headings] for row in rows))


def repair(
    symbol: Annotated[
        str, typer.Argument(autocompletion=symbol_names, help="All of the settings if not given.")
    ] = "",
    month: Annotated[str, typer.Argument(help="YYYY-MM; every fetched month if not.")] = "",
    again: Annotated[bool, typer.Option("--again", help="Ask for confirmed gaps, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Ask the vendor again for missing minutes, take what it has, note what it has not.

    Example: trading-assets data repair BTCUSDT 2024-02
    """
    from trading_assets.workflows.market_month import repair_bars
    from trading_assets.workflows.strategy_specs import sizes_traded

    desk = _desk()
    asked = sizes_traded(desk.settings)
    symbols = (symbol_from_text(symbol),) if symbol else desk.settings.symbols
    keys = [
        (name, span)
        for name in symbols
        for span in ([Month.from_text(month)] if month else _published_months(desk, name))
    ]
    rows: list[dict[str, Any]] = []
    failures: list[str] = []
    with desk.history() as sources, _progress() as progress:
        task = progress.add_task("", total=len(keys))
        for name, span in keys:
            progress.update(task, description=f"{name} {span}")
            try:
                raw, minutes, *_ = repair_bars(
                    desk, name, span, history=sources.of(name), again=again, asked=asked
                )
            except DataError as error:
                failures.append(f"{name} {span}: {type(error).__name__}: {error}")
            else:
                row = {"symbol": name, "month": str(span), "fetched": raw.metadata["fetched"]}
                rows.append(row | {n: minutes.metadata[n] for n in _REPAIRED})
            progress.advance(task)
    if as_json:
        typer.echo(json_text(rows))
    else:
        shown = ("symbol", "month", "fetched", *_REPAIRED)
        _print_table(shown, ([str(row[name]) for name in shown] for row in rows))
    for failure in failures:
        typer.echo(failure, err=True)
    if failures:
        raise typer.Exit(1)


def diff(
    symbol: SymbolName,
    month: str,
    table: Annotated[str, typer.Option(help="A table of bars.")] = "bars_1m",
    version: Annotated[
        int | None, typer.Option(help="Number of the earlier manifest to compare with.")
    ] = None,
    as_of: Annotated[
        str, typer.Option("--as-of", help="Compare with what was current then, ISO 8601.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Print the minutes that a month now says differently, and who has used the old values.

    Example: trading-assets data diff BTCUSDT 2021-04 --as-of 2021-05-20
    """
    from trading_assets.workflows.blast_radius import blast_radius
    from trading_assets.workflows.data_diff import data_diff, plain_row

    desk = _desk()
    found = data_diff(
        desk,
        symbol_from_text(symbol),
        Month.from_text(month),
        table=table,
        version=version,
        as_of=instant_from_text(as_of) if as_of else None,
    )
    versions = {
        name: {"version": m.n, "published": time_text(m.published_at), "row_hash": m.version}
        for name, m in (("old", found.old), ("new", found.new))
    }
    used_by = asdict(blast_radius(desk, found.old.address, found.old.version))
    if as_json:
        minutes = [
            {k: v if k != "ts" else v.isoformat() for k, v in row.items()}
            for row in found.minutes.iter_rows(named=True)
        ]
        facts = {"made_of_the_old_rows": used_by, "minutes": minutes}
        typer.echo(json.dumps(versions | found.counts() | facts, indent=2))
        return
    for name, told in versions.items():
        typer.echo(f"{name}: version {told['version']}, published {told['published']} UTC")
    typer.echo(", ".join(f"{count} {change}" for change, count in found.counts().items()))
    for kind, names in used_by.items():
        if names:
            typer.echo(f"{kind} made of the old rows: {', '.join(names)}")
    rows = [plain_row(row) for row in found.minutes.iter_rows(named=True)]
    _print_table(("minute", "change", "old", "new"), ([*row.values()] for row in rows))


_REPAIRED = ("repaired", "missing_minutes", "unexplained_gaps")
_COUNTS = (
    "received",
    "duplicates",
    "off_grid",
    "unfinished",
    "repaired",
    "silent",
    "early_closes",
    "silences",
    "jumps",
    "unexplained_gaps",
    "unconfirmed_gaps",
)


def _published_months(desk: Desk, symbol: Symbol) -> Sequence[Month]:
    return desk.tables.months("bars_1m", symbol)


def _desk() -> Desk:
    from trading_assets import bootstrap

    return bootstrap.desk(load_settings().settings)


def _progress() -> Progress:
    """Draw on stderr, and only where a person looks."""
    return Progress(
        TextColumn("{task.description:<20}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def _print_table(headings: Iterable[str], rows: Iterable[list[str]]) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading.replace("_", " "), no_wrap=True)
    for row in rows:
        table.add_row(*row)
    Console().print(table)
