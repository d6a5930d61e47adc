"""`trading-assets status`: how a book is doing; the exit code is for health checks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from trading_assets.interfaces.cli.completions import BookName
from trading_assets.interfaces.cli.tables import AsJson, new_table, open_desk

if TYPE_CHECKING:
    from trading_assets.workflows.live_status import BookStatus

app = typer.Typer()


@app.command()
def status(
    book: BookName = "paper",
    as_json: AsJson = False,
    metrics: Annotated[
        bool, typer.Option("--metrics", help="Print counters in the text format of Prometheus.")
    ] = False,
) -> None:
    """Show a book; exit 0 trades, 1 runs but opens nothing, 2 does not run, 3 gives no sign.

    Example: trading-assets status --book paper --json
    """
    from trading_assets.workflows.live_status import live_status

    desk = open_desk()
    found = live_status(desk, book)
    if metrics:
        from trading_assets.interfaces.metrics_exporter import exposition
        from trading_assets.workflows.live_metrics import DeskMetrics

        typer.echo(exposition([DeskMetrics(desk).of(book)]).decode(), nl=False)
    elif as_json:
        typer.echo(json.dumps(found.to_json(), sort_keys=True))
    else:
        _print(found)
    raise typer.Exit(found.code)


def _print(found: BookStatus) -> None:
    table = new_table("", "")
    for name, value in _lines(found):
        table.add_row(name, value)
    console = Console()
    console.print(f"book [bold]{found.name}[/]: {found.verdict}", highlight=False)
    console.print(table)
    _print_rows(console, "position", found.book.get("positions", ()))
    _print_rows(console, "open order", found.book.get("orders", ()))


def _lines(found: BookStatus) -> list[tuple[str, str]]:
    book = found.book
    halt = "no" if found.level == "NONE" else f"{found.level}: {found.reason}"
    lines = [
        ("lease", found.holder or "free"),
        ("state", found.state or "-"),
        ("heartbeat", _seconds(found.heartbeat_age_s)),
        ("release", found.release_id or "-"),
        ("halted", halt),
        ("last bar closed", _seconds(found.bar_lag_s)),
        ("error budget left", "-" if found.budget_left is None else f"{found.budget_left:.1%}"),
        ("journal", f"row {found.seq}"),
    ]
    if found.note:
        lines.append(("because", found.note))
    for strategy in book.get("strategies", ()):
        if strategy["state"] == "stopped":
            because = f"{strategy['name']}: {strategy['reason']} ({strategy['by']})"
            lines.append(("strategy stopped", because))
    for pause in book.get("pauses", ()):
        what = pause["symbol"] or "all symbols"
        lines.append(("entries paused", f"{what}: {pause['cause']} ({pause['reason']})"))
    lines += [("ALERT", f"{name}: {text}") for name, text in book.get("alerts", {}).items()]
    if book.get("supervision"):
        lines.append(("supervision", str(book["supervision"])))
    if book:
        lines += [
            ("equity", f"{book['equity']:,.2f}"),
            ("drawdown", f"{book['drawdown']:.2%}"),
            ("realised", f"{book['realised_pnl']:,.2f}"),
        ]
    return lines


def _print_rows(console: Console, name: str, rows: list[dict[str, Any]]) -> None:
    if not rows:
        console.print(f"no {name}")
        return
    table = new_table(*(key.replace("_", " ") for key in rows[0]))
    for row in rows:
        table.add_row(*(f"{v:.2f}" if isinstance(v, float) else str(v) for v in row.values()))
    console.print(table)


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} s ago"
