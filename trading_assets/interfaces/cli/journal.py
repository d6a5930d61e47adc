"""`trading-assets journal`: look into the memory of a book, prove it, copy it, export it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trading_assets.interfaces.cli.completions import BookName
from trading_assets.interfaces.cli.desk_settings import load_settings
from trading_assets.interfaces.cli.instants import instant_from_text
from trading_assets.interfaces.cli.tables import AsJson, cell, json_text, new_table, open_desk, say

if TYPE_CHECKING:
    from trading_assets.storage.journal_reader import JournalReader, JournalRow
    from trading_assets.workflows.journal_at import BookView

app = typer.Typer(help="Look into the journal of a book.", no_args_is_help=True)

BookOption = BookName
_FOLLOW_S = 0.5


@app.command()
def verify(book: BookOption = "paper", as_json: AsJson = False) -> None:
    """Prove that the journal is whole: numbers, checksums, watermark, snapshots, indexes.

    Example: trading-assets journal verify --book paper
    """
    with _reader(book) as journal:
        end = journal.verify()
        journal.verify_indexes()
        told = {"rows": end.seq, "chain": f"{end.crc:08x}", "clock": journal.epoch}
    sentence = f"{end.seq} rows, whole; chain {told['chain']}; clock {told['clock']}"
    say(told, sentence, as_json=as_json)


@app.command()
def show(
    since: Annotated[int, typer.Option("--since", min=0, help="Rows after this number.")] = 0,
    kind: Annotated[str, typer.Option("--kind", help="Only rows of this kind.")] = "",
    order: Annotated[str, typer.Option("--order", help="Only rows of this client order id.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
    book: BookOption = "paper",
) -> None:
    """Print rows of the journal; `--json` is what other programs read.

    Example: trading-assets journal show --kind OrderFilled --json
    """
    with _reader(book) as journal:
        for row in journal.rows(since):
            if (not kind or row.kind == kind) and (not order or row.client_order_id == order):
                typer.echo(json_line(row) if as_json else line(row))


@app.command()
def tail(
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="How many rows.")] = 20,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with new rows until Ctrl-C.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
    book: BookOption = "paper",
) -> None:
    """Print the last rows of the journal.

    Example: trading-assets journal tail --count 50 --follow
    """
    with _reader(book) as journal:
        last, written = 0, json_line if as_json else line
        for row in journal.tail(count):
            typer.echo(written(row))
            last = row.seq
        while follow:
            for row in _new_rows(journal, last):
                typer.echo(written(row))
                last = row.seq


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(help="Folder to create; must not exist.")],
    book: BookOption = "paper",
    as_json: AsJson = False,
) -> None:
    """Copy the journal and its witnesses as one; safe while the executor writes.

    Example: trading-assets journal backup backups/paper --book paper
    """
    with _reader(book) as journal:
        seq = journal.backup(target)
    say({"rows": seq, "folder": target}, f"{seq} rows copied to {target}", as_json=as_json)


@app.command()
def replay(
    at: Annotated[
        str, typer.Option("--at", help="Instant of market time, or the number of a row.")
    ] = "",
    as_json: AsJson = False,
    book: BookOption = "paper",
) -> None:
    """Rebuild the book as it stood at an instant or after a row; without either, as it stands.

    Example: trading-assets journal replay --at 2024-04-01T04:00:00Z
    """
    from trading_assets.workflows.journal_at import book_at

    seq = int(at) if at.isdecimal() else None
    ts = instant_from_text(at) if at and seq is None else None
    view = book_at(open_desk(), book, ts=ts, seq=seq)
    if as_json:
        typer.echo(json.dumps(view.to_json()))
    else:
        _print_view(view)


@app.command()
def export(
    to: Annotated[Path, typer.Option("--to", help="Folder for the files; made when missing.")],
    form: Annotated[str, typer.Option("--format", help="csv, parquet or jsonl.")] = "csv",
    book: BookOption = "paper",
    as_json: AsJson = False,
) -> None:
    """Write orders, trades, positions and equity as tables, or all events as JSON lines.

    Example: trading-assets journal export --format csv --to exports/paper
    """
    from trading_assets.workflows.export_journal import export_journal

    found = export_journal(open_desk(), book, to, form)
    if as_json:
        typer.echo(json_text([{"file": to / name, "rows": rows} for name, rows in found.items()]))
        return
    for name, rows in found.items():
        typer.echo(f"{to / name}: {rows} rows")


def line(row: JournalRow) -> str:
    """Write a row for people."""
    return f"{row.seq:>8} {instant_text(row.ts)} {row.kind:<20} {row.body.decode()}"


def json_line(row: JournalRow) -> str:
    """Write a row for programs."""
    return json.dumps(row.to_json(), sort_keys=True)


def instant_text(ts: int) -> str:
    """Write an instant in UTC, to the millisecond."""
    moment = datetime.fromtimestamp(ts / 1_000_000, tz=UTC)
    return moment.isoformat(sep=" ", timespec="milliseconds").removesuffix("+00:00")


def _new_rows(journal: JournalReader, last: int) -> Iterator[JournalRow]:
    time.sleep(_FOLLOW_S)
    return journal.rows(last)


def _reader(book: str) -> JournalReader:
    from trading_assets.workflows.live_book import live_book

    return live_book(load_settings().settings, book).journal()


def _print_view(view: BookView) -> None:
    from rich.console import Console

    values: dict[str, Any] = {
        "row": view.seq,
        "market time (UTC)": instant_text(view.ts),
        "release": view.release_id,
        "bars": view.bars,
        "equity": view.equity,
        "drawdown": f"{view.drawdown:.2%}",
        "halted": view.halted or "no",
    }
    facts, held = new_table("what", "value"), new_table("asset", "held")
    for name, value in values.items():
        facts.add_row(name, cell(value))
    for asset, amount in view.balances.items():
        held.add_row(asset, f"{amount:f}")
    positions = new_table("strategy", "symbol", "quantity", "average price", "unrealised")
    for position in view.positions:
        positions.add_row(*(cell(value) for value in position.values()))
    works = new_table("order", "symbol", "side", "type", "quantity", "filled", "state")
    for order in view.orders:
        works.add_row(*(cell(value) for value in order.values()))
    console = Console()
    for table in (facts, held, positions, works):
        if table.row_count:
            console.print(table)
