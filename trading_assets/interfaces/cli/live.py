"""`trading-assets live` and `parity`: trade a book, and live a day of it again."""

from __future__ import annotations

import os
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from trading_assets.interfaces.cli.completions import BookName
from trading_assets.interfaces.cli.desk_settings import load_settings
from trading_assets.interfaces.cli.journal import instant_text
from trading_assets.interfaces.cli.signals import stop_on_signals
from trading_assets.interfaces.cli.tables import AsJson, json_text, working

if TYPE_CHECKING:
    from trading_assets.live.executor_terms import Observation
    from trading_assets.workflows.replay_live_day import ParityReport

app = typer.Typer()

BookOption = BookName


@app.command()
def live(
    book: BookOption = "paper",
    max_bars: Annotated[
        int | None, typer.Option("--max-bars", min=1, help="Stop after so many bars.")
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Set the present journal aside and begin a new one.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
) -> None:
    """Trade a book's release until Ctrl-C or SIGTERM; a restart goes on from the journal.

    Example: trading-assets live --book paper --max-bars 100
    """
    from trading_assets.bootstrap import desk
    from trading_assets.live.supervision.sd_notify import ServiceManager
    from trading_assets.workflows.live_book import live_book, set_aside
    from trading_assets.workflows.process_log import begin_logging
    from trading_assets.workflows.run_live import run_live

    settings = load_settings().settings
    begin_logging(settings, in_background=True)  # a pipe that nobody reads must not stop trading
    if fresh:
        set_aside(live_book(settings, book))
    with stop_on_signals() as stop:
        summary = run_live(
            desk(settings),
            book,
            stop=stop,
            observe=_say_json if as_json else _say,
            max_bars=max_bars,
            told=ServiceManager.of(os.environ).tell,
        )
    if as_json:
        typer.echo(json_text(asdict(summary)))
        return
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
    fills: Annotated[
        bool, typer.Option("--fills", help="Compare fills with those of the engine's own rules.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Live a day again from independent data; exit 1 when live and replay differ.

    Example: trading-assets parity 2024-04-01 --book demo --fills
    """
    from trading_assets.bootstrap import desk
    from trading_assets.interfaces.cli.fill_table import print_fills
    from trading_assets.workflows.replay_live_day import replay_live_day

    opened = desk(load_settings().settings)
    if fills:
        print_fills(opened, book, day.date(), as_json=as_json)
        return
    with working("living the day again"):
        report = replay_live_day(opened, book, day.date())
    if as_json:
        typer.echo(json_text({**asdict(report), "is_equal": report.is_equal}))
    else:
        _print(report)
    if not report.is_equal:
        raise typer.Exit(1)


def _print(report: ParityReport) -> None:
    typer.echo(
        f"{report.bars} bars ({report.bars_differ} differ), "
        f"{report.rows} signal rows ({report.rows_differ} differ), "
        f"{report.decisions} decisions and marks ({report.decisions_differ} differ), "
        f"{report.snapshots} snapshots ({report.snapshots_differ} differ)"
        + (f", {report.snapshots_older} of another version" if report.snapshots_older else "")
        + (f", ledger {report.ledger}" if report.ledger else "")
    )
    for line in report.differences:
        typer.echo(f"  {line}")


def _say_json(observation: Observation) -> None:
    typer.echo(json_text(asdict(observation)))


def _say(observation: Observation) -> None:
    reason = f": {observation.reason}" if observation.reason else ""
    typer.echo(
        f"{instant_text(observation.ts)} {observation.state}{reason} "
        f"(row {observation.seq}, {observation.bars} bars, equity {observation.equity:,.2f})"
    )
