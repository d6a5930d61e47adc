"""`trading-assets live` and `trading-assets journal`: trade a book, and look into its memory."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trading_assets.settings import load_settings

if TYPE_CHECKING:
    from trading_assets.live.executor_terms import Observation
    from trading_assets.storage.journal_reader import JournalReader, JournalRow

app = typer.Typer()
journal_app = typer.Typer(help="Look into the journal of a book.", no_args_is_help=True)
app.add_typer(journal_app, name="journal")

BookOption = Annotated[str, typer.Option("--book", help="Name of the book in the settings.")]


@app.command()
def live(
    book: BookOption = "paper",
    max_bars: Annotated[
        int | None, typer.Option("--max-bars", min=1, help="Stop after so many bars.")
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Set the present journal aside and begin a new one.")
    ] = False,
) -> None:
    """Trade a book's release until Ctrl-C or SIGTERM; a restart goes on from the journal."""
    from trading_assets.bootstrap import desk
    from trading_assets.workflows.live_book import live_book, set_aside
    from trading_assets.workflows.run_live import run_live

    settings = load_settings().settings
    if fresh:
        set_aside(live_book(settings, book))
    with _stop_on_signals() as stop:
        summary = run_live(desk(settings), book, stop=stop, observe=_say, max_bars=max_bars)
    typer.echo(
        f"{summary.reason}: {summary.bars} bars ({summary.late_bars} late), "
        f"{summary.events.get('OrderIntentCreated', 0)} orders, "
        f"{summary.events.get('OrderFilled', 0)} fills, {summary.open_orders} open, "
        f"equity {summary.equity:,.2f}, drawdown {summary.drawdown:.2%}, "
        f"stopped in {summary.stop_s:.1f} s"
    )


@app.command()
def parity(
    day: Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], help="UTC day of market time.")],
    book: BookOption = "paper",
) -> None:
    """Live a day again from independent data; exit 1 when live and replay differ."""
    from trading_assets.bootstrap import desk
    from trading_assets.workflows.replay_live_day import replay_live_day

    report = replay_live_day(desk(load_settings().settings), book, day.date())
    typer.echo(
        f"{report.bars} bars ({report.bars_differ} differ), "
        f"{report.rows} signal rows ({report.rows_differ} differ), "
        f"{report.decisions} decisions and marks ({report.decisions_differ} differ), "
        f"{report.snapshots} snapshots ({report.snapshots_differ} differ)"
    )
    for line in report.differences:
        typer.echo(f"  {line}")
    if not report.is_equal:
        raise typer.Exit(1)


@journal_app.command()
def verify(book: BookOption = "paper") -> None:
    """Prove that the journal is whole: numbers, checksums, watermark, snapshots."""
    with _reader(book) as journal:
        end = journal.verify()
        typer.echo(f"{end.seq} rows, whole; chain {end.crc:08x}; clock {journal.epoch}")


@journal_app.command()
def show(
    since: Annotated[int, typer.Option("--since", min=0, help="Rows after this number.")] = 0,
    kind: Annotated[str, typer.Option("--kind", help="Only rows of this kind.")] = "",
    order: Annotated[str, typer.Option("--order", help="Only rows of this client order id.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
    book: BookOption = "paper",
) -> None:
    """Print rows of the journal; `--json` is the export that other programs read."""
    with _reader(book) as journal:
        for row in journal.rows(since):
            if (not kind or row.kind == kind) and (not order or row.client_order_id == order):
                typer.echo(_json_line(row) if as_json else _line(row))


@journal_app.command()
def tail(
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="How many rows.")] = 20,
    book: BookOption = "paper",
) -> None:
    """Print the last rows of the journal."""
    with _reader(book) as journal:
        for row in journal.tail(count):
            typer.echo(_line(row))


@journal_app.command()
def backup(
    target: Annotated[Path, typer.Argument(help="Folder to create; must not exist.")],
    book: BookOption = "paper",
) -> None:
    """Copy the journal and its witnesses as one; safe while the executor writes."""
    with _reader(book) as journal:
        seq = journal.backup(target)
    typer.echo(f"{seq} rows copied to {target}")


def _reader(book: str) -> JournalReader:
    from trading_assets.workflows.live_book import live_book

    return live_book(load_settings().settings, book).journal()


def _say(observation: Observation) -> None:
    reason = f": {observation.reason}" if observation.reason else ""
    typer.echo(
        f"{_instant(observation.ts)} {observation.state}{reason} "
        f"(row {observation.seq}, {observation.bars} bars, equity {observation.equity:,.2f})"
    )


def _line(row: JournalRow) -> str:
    return f"{row.seq:>8} {_instant(row.ts)} {row.kind:<20} {row.body.decode()}"


def _json_line(row: JournalRow) -> str:
    values: dict[str, Any] = {
        "seq": row.seq,
        "ts": row.ts,
        "recorded": row.recorded,
        "lease": row.lease,
        "kind": row.kind,
        "body": json.loads(row.body),
        "crc": row.crc,
    }
    return json.dumps(values, sort_keys=True)


def _instant(ts: int) -> str:
    moment = datetime.fromtimestamp(ts / 1_000_000, tz=UTC)
    return moment.isoformat(sep=" ", timespec="milliseconds").removesuffix("+00:00")


@contextmanager
def _stop_on_signals() -> Iterator[threading.Event]:
    """Let Ctrl-C and SIGTERM ask for a clean stop; asking again changes nothing."""
    stop = threading.Event()
    asked = [False]

    def ask(_number: int, _frame: FrameType | None) -> None:
        if not asked[0]:
            asked[0] = True
            # A handler must not take the event's lock: the main thread may hold it.
            threading.Thread(target=stop.set, daemon=True).start()

    handlers = {s: signal.signal(s, ask) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
