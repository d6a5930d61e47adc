"""`trading-assets data export`: published bars as a file for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from trading_assets.domain.bar import Timeframe
from trading_assets.domain.ids import symbol_from_text
from trading_assets.interfaces.cli.completions import SymbolName
from trading_assets.interfaces.cli.desk_settings import load_settings
from trading_assets.interfaces.cli.instants import AsOf, instant_from_text
from trading_assets.interfaces.cli.tables import AsJson, say


def export(
    symbol: SymbolName,
    out: Annotated[Path, typer.Argument(help="A new file, .csv or .parquet.")],
    first: Annotated[str, typer.Option("--from", help="First instant (UTC), inclusive.")],
    last: Annotated[str, typer.Option("--to", help="Last instant (UTC), exclusive.")],
    timeframe: Annotated[
        Literal["1m", "5m", "1h", "1d"], typer.Option(help="Size of the bars.")
    ] = "1m",
    case: Annotated[
        Literal["lower", "upper"],
        typer.Option(help="`upper` spells Open, High, Low, Close, Volume."),
    ] = "lower",
    as_of: AsOf = "",
    as_json: AsJson = False,
) -> None:
    """Write the bars of a span; the index is the column `ts_utc`, the open time in UTC.

    Example: trading-assets data export BTCUSDT btc.csv --from 2024-03-01 --to 2024-04-01
    --timeframe 1h --case upper
    """
    from trading_assets import bootstrap
    from trading_assets.workflows.export_bars import as_exported, bars_of_span, write_export

    frame = bars_of_span(
        bootstrap.desk(load_settings().settings),
        symbol_from_text(symbol),
        Timeframe(timeframe),
        instant_from_text(first),
        instant_from_text(last),
        as_of=instant_from_text(as_of) if as_of else None,
    )
    write_export(as_exported(frame, case), out)
    facts = {"bars": frame.height, "file": out}
    say(facts, f"{frame.height} bars in {out}", as_json=as_json)
