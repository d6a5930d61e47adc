"""`trading-assets data stream`: finished bars as they happen, printed and recorded."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trading_assets.domain.ids import symbol_from_text
from trading_assets.interfaces.cli.completions import symbol_names
from trading_assets.interfaces.cli.desk_settings import load_settings
from trading_assets.interfaces.cli.instants import time_text

if TYPE_CHECKING:
    from trading_assets.domain.bar import Bar
    from trading_assets.domain.errors import VenueError
    from trading_assets.market.live_minutes import Revision


def stream(
    symbols: Annotated[
        list[str],
        typer.Argument(autocompletion=symbol_names, help="All of one source, as settings name it."),
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="Record here, as lines of JSON; one that exists is gone on with."),
    ] = None,
    bars: Annotated[
        int | None, typer.Option(min=1, help="End once there are so many; at Ctrl-C if not.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Lines as `--out` records them.")] = False,
) -> None:
    """Print finished one-minute bars as they happen, from the source of their history.

    Polygon sends them; what passes without a connection is read from its history, and what its
    history later says otherwise is a revision. The embedded exchange and Binance are asked.

    Example: trading-assets data stream AAPL MSFT --out bars.jsonl
    """
    from trading_assets import bootstrap
    from trading_assets.workflows.stream_bars import stream_bars

    stop = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda *_: stop.set())
    try:
        count = stream_bars(
            bootstrap.desk(load_settings().settings),
            tuple(symbol_from_text(symbol) for symbol in symbols),
            stop=stop,
            out=out,
            max_bars=bars,
            told=_print_json if as_json else _print_event,
            troubled=_print_trouble,
        )
    except KeyboardInterrupt:
        raise typer.Exit(130) from None  # what was printed is recorded
    finally:
        signal.signal(signal.SIGTERM, before)
    typer.echo(f"{count} bars" + (f" in {out}" if out is not None else ""), err=True)


def _print_event(event: Bar | Revision) -> None:
    from trading_assets.domain.bar import Bar

    if isinstance(event, Bar):
        typer.echo(f"{event.symbol} {_bar_text(event)}")
    else:
        was = "nothing" if event.was is None else _bar_text(event.was)
        now = "nothing" if event.now is None else _bar_text(event.now)
        typer.echo(f"{event.symbol} revised: {was} -> {now}")


def _print_json(event: Bar | Revision) -> None:
    from trading_assets.storage.bar_recording import recorded_line

    typer.echo(recorded_line(event), nl=False)


def _bar_text(bar: Bar) -> str:
    prices = " ".join(str(price) for price in (bar.open, bar.high, bar.low, bar.close))
    return f"{time_text(bar.ts)} {prices} volume {bar.volume}"


def _print_trouble(trouble: VenueError | None) -> None:
    typer.echo("bars come again" if trouble is None else f"no bars: {trouble}", err=True)
