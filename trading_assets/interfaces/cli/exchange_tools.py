"""`trading-assets exchange fault|ledger|seed-data`: what surrounds a running exchange."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trading_assets.domain.errors import ConfigurationError
from trading_assets.interfaces.cli.completions import symbol_names
from trading_assets.interfaces.cli.tables import AsJson, json_text, say

if TYPE_CHECKING:
    from rich.progress import Progress

fault = typer.Typer(help="Arm, list and clear faults of a running exchange.", no_args_is_help=True)
Url = Annotated[str, typer.Option(help="Address; by default that of the settings.")]
_TIMEOUT_S = 10
_ROWS_SHOWN = 50
_PIPE_WIDTH = 200


def _call(url: str, method: str, name: str, wish: Any = None) -> Any:
    """Ask a running exchange for something under `/_sim/`.

    Raises:
        ConfigurationError: if nothing answers there, or it refuses.
    """
    from urllib.error import HTTPError, URLError
    from urllib.request import Request, urlopen

    from trading_assets.settings import load_settings

    settings = load_settings().settings.exchange
    base = (url or f"http://{settings.host}:{settings.port}").rstrip("/")
    if not base.startswith(("http://", "https://")):
        raise ConfigurationError("Bad address", expected="http://host:port", found=base)
    body = None if wish is None else json.dumps(wish).encode()
    request = Request(f"{base}/_sim/{name}", body, method=method)  # noqa: S310 - checked above
    try:
        with urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - checked above
            return json.load(answer)
    except HTTPError as error:
        found = error.read().decode("utf-8", "replace")
        raise ConfigurationError(
            f"The exchange at {base} refuses",
            found=found,
            fix="Start it with --sim-controls." if error.code == 404 else "",
        ) from error
    except (URLError, OSError, ValueError) as error:
        raise ConfigurationError(
            f"No exchange answers at {base}",
            found=str(error),
            fix="Start one: trading-assets exchange serve --sim-controls.",
        ) from error


def _pairs(texts: list[str]) -> dict[str, Any]:
    """Read name=value, whole numbers as such."""
    pairs: dict[str, Any] = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator or not name:
            raise ConfigurationError(
                "Bad setting", expected="name=value, such as status=503", found=text
            )
        is_number = value.removeprefix("-").isdecimal() and value.isascii()
        pairs[name] = int(value) if is_number else value
    return pairs


@fault.command()
def arm(
    kind: Annotated[str, typer.Argument(help="Kind of fault; `list` shows all kinds.")] = "",
    settings: Annotated[list[str] | None, typer.Argument(help="name=value of that kind.")] = None,
    match: Annotated[
        list[str] | None,
        typer.Option(help="method=, path=, symbol=, account= or every=; may be repeated."),
    ] = None,
    count: Annotated[int | None, typer.Option(help="How often.")] = None,
    at: Annotated[str | None, typer.Option(help="Market time of an action.")] = None,
    begin: Annotated[str | None, typer.Option("--from", help="Market time of the start.")] = None,
    until: Annotated[str | None, typer.Option(help="Market time of the end.")] = None,
    script: Annotated[Path | None, typer.Option(help="Arm all of a YAML or JSON script.")] = None,
    url: Url = "",
    as_json: AsJson = False,
) -> None:
    """Arm one fault, or all of a script.

    Example: trading-assets exchange fault arm status status=503 when=after
    --match path=/api/v3/order --count 2
    """
    wish: Any
    if script is not None:
        from trading_assets.exchange.faults.script import script_from

        wish = [each.plain() for each in script_from(script)]
    else:
        times = {"at": at, "from": begin, "until": until, "count": count}
        wish = {"kind": kind, "match": _pairs(match or []), **_pairs(settings or [])}
        wish |= {name: value for name, value in times.items() if value is not None}
    numbers = _call(url, "POST", "fault", wish)["armed"]
    sentence = f"armed: {', '.join(str(number) for number in numbers)}"
    say({"armed": numbers}, sentence, as_json=as_json)


@fault.command("list")
def list_faults(
    url: Url = "",
    kinds: Annotated[bool, typer.Option("--kinds", help="The vocabulary instead.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what is armed, what is spent and how often each kind has struck.

    Example: trading-assets exchange fault list --kinds
    """
    if kinds:
        from trading_assets.exchange.faults.kinds import vocabulary

        if as_json:
            typer.echo(json_text(vocabulary()))
            return
        rows = [
            {"kind": kind, "strikes": words["strikes"], "settings": _pairs_text(words["settings"])}
            for kind, words in vocabulary().items()
        ]
        _print("kinds", rows)
        return
    listed = _call(url, "GET", "fault")
    if as_json:
        typer.echo(json_text(listed))
        return
    for name in ("armed", "spent"):
        _print(name, [_fault_row(row) for row in listed[name]])
    _print("fired", [{"kind": kind, "times": n} for kind, n in listed["fired"].items()])


def _fault_row(row: dict[str, Any]) -> dict[str, Any]:
    own = {"id", "kind", "fired"}
    wish = {name: value for name, value in row.items() if name not in own and value != {}}
    return {name: row[name] for name in ("id", "kind", "fired")} | {"wish": _pairs_text(wish)}


def _pairs_text(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


@fault.command()
def clear(
    number: Annotated[int | None, typer.Argument(help="Its id; all without one.")] = None,
    url: Url = "",
    as_json: AsJson = False,
) -> None:
    """Clear one fault or all, and end what they hold.

    Example: trading-assets exchange fault clear 3
    """
    _call(url, "DELETE", "fault" if number is None else f"fault/{number}")
    say({"cleared": "all" if number is None else number}, "cleared", as_json=as_json)


def ledger(
    path: Annotated[
        Path | None, typer.Argument(help="A ledger file; by default a running exchange's.")
    ] = None,
    url: Url = "",
    table: Annotated[
        list[str] | None, typer.Option(help="Only this table; may be repeated.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="All rows as JSON.")] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check that everything adds up; exit 1 if not.")
    ] = False,
) -> None:
    """Show a ledger: accounts, orders, trades, requests and the faults that have struck.

    Example: trading-assets exchange ledger data/exchange/ledger.sqlite --verify
    """
    from trading_assets.exchange.venue.audit import audit, tables_of

    tables = _call(url, "GET", "ledger") if path is None else tables_of(path)
    if unknown := set(table or []) - tables.keys():
        raise ConfigurationError(
            "No such table", expected=", ".join(tables), found=", ".join(sorted(unknown))
        )
    if as_json:
        shown = {name: rows for name, rows in tables.items() if not table or name in table}
        typer.echo(json.dumps(shown, indent=1))
    elif not verify or table:
        _show(tables, table or [name for name in tables if name not in {"meta", "symbols"}])
    if verify:
        wrong = audit(tables)
        _tell_sums(tables, wrong)
        raise typer.Exit(1 if wrong else 0)


def _show(tables: dict[str, list[dict[str, Any]]], names: list[str]) -> None:
    for name in names:
        _print(name, tables[name])


def _tell_sums(tables: dict[str, list[dict[str, Any]]], wrong: list[str]) -> None:
    from trading_assets.exchange.venue.audit import totals

    for asset, units in totals(tables).items():
        typer.echo(f"{asset:>8} {units / 100_000_000:,.8f} over all accounts, the house included")
    for line in wrong:
        typer.echo(f"WRONG    {line}")
    count = f"{len(tables['orders'])} orders, {len(tables['trades'])} trades"
    typer.echo(f"{count}: {'all adds up' if not wrong else f'{len(wrong)} things do not add up'}")


def _print(title: str, rows: list[dict[str, Any]]) -> None:
    """Print rows as a table, wide enough for a pipe; columns that are empty are left out."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    extra = f", the last {_ROWS_SHOWN}" if len(rows) > _ROWS_SHOWN else ""
    shown = [_readable(row) for row in rows[-_ROWS_SHOWN:]]
    names = [name for name in (shown[0] if shown else ()) if any(row[name] for row in shown)]
    table = Table(title=f"{title} ({len(rows)}{extra})", title_justify="left", box=box.SIMPLE_HEAD)
    for name in names:
        table.add_column(name, overflow="fold")
    for row in shown:
        table.add_row(*(row[name] for name in names))
    console = Console()
    Console(width=console.width if console.is_terminal else _PIPE_WIDTH).print(table)


def _readable(row: dict[str, Any]) -> dict[str, str]:
    """Write amounts as decimals and instants as text."""
    return {name.removesuffix("_units"): _text(name, value) for name, value in row.items()}


def _text(name: str, value: Any) -> str:
    if name.endswith("_units") and isinstance(value, int):
        return f"{Decimal(value).scaleb(-8):f}"
    if (name == "ts" or name.endswith("_ts")) and isinstance(value, int):
        instant = datetime.fromtimestamp(value / 1_000_000, tz=UTC)
        return instant.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    return "" if value in (None, 0) and name != "seq" else str(value)


def seed_data(
    out: Annotated[Path, typer.Argument(help="Root of the mirror; files go below data/spot.")],
    first: Annotated[str, typer.Option("--from", help="First day, such as 2024-01-01.")],
    last: Annotated[str, typer.Option("--to", help="Last day, inclusive.")],
    symbols: Annotated[
        list[str] | None,
        typer.Option(
            "--symbol",
            autocompletion=symbol_names,
            help="May be repeated; by default the settings'.",
        ),
    ] = None,
    intervals: Annotated[
        list[str] | None, typer.Option("--interval", help="May be repeated; 1m by default.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the market.")] = None,
    structure: Annotated[
        float | None, typer.Option(help="Learnable part of the market, 0 to 1.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the seeded market's klines as zips with checksums, laid out as data.binance.vision.

    Example: trading-assets exchange seed-data ./mirror --symbol BTCUSDT --from 2024-01-01
    --to 2024-03-31 --interval 1m --interval 1h
    """
    from trading_assets.exchange.archive_files import Market, spans
    from trading_assets.settings import load_settings

    settings = load_settings().settings
    market = Market(
        tuple(symbols or settings.symbols),
        tuple(intervals or ("1m",)),
        settings.exchange.seed if seed is None else seed,
        settings.exchange.structure if structure is None else structure,
    )
    days = _day(first), _day(last)
    if days[1] < days[0]:
        raise ConfigurationError("Bad dates", expected="--to on or after --from", found=last)
    files = [
        (s, i, span) for s in market.symbols for i in market.intervals for span in spans(*days)
    ]
    bars = 0
    with _progress() as progress:
        task = progress.add_task("", total=len(files))
        for symbol, interval, span in files:
            progress.update(task, description=f"{symbol} {interval} {span.name}")
            bars += market.write(symbol, interval, span, out)
            progress.advance(task)
    folder = out / "data" / "spot"
    facts = {"bars": bars, "files": len(files), "folder": folder}
    say(facts, f"{bars} bars in {len(files)} files below {folder}", as_json=as_json)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError("Not a day", expected="such as 2024-01-31", found=text) from None


def _progress() -> Progress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
