"""`trading-assets exchange`: serve the embedded exchange on loopback."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from trading_assets.interfaces.cli import exchange_tools
from trading_assets.interfaces.cli.instants import instant_from_text

if TYPE_CHECKING:
    from trading_assets.exchange.config import AccountConfig
    from trading_assets.exchange.faults.armed import Rates
    from trading_assets.exchange.faults.kinds import Fault
    from trading_assets.exchange.server import ExchangeConfig, RunningExchange

app = typer.Typer(help="The embedded Binance-compatible exchange.", no_args_is_help=True)
app.add_typer(exchange_tools.fault, name="fault")
app.command()(exchange_tools.ledger)
app.command("seed-data")(exchange_tools.seed_data)


@app.callback()
def exchange() -> None:
    """The embedded Binance-compatible exchange."""


@app.command()
def serve(
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the market.")] = None,
    start: Annotated[
        str | None, typer.Option(help="Market time to start at, such as 2024-04-01T00:00:00Z.")
    ] = None,
    warp: Annotated[
        float, typer.Option(help="Market seconds per second; other than 1 needs --start.")
    ] = 1.0,
    structure: Annotated[
        float | None, typer.Option(help="Learnable part of the market, 0 to 1.")
    ] = None,
    ledger: Annotated[
        Path | None,
        typer.Option(
            help="SQLite file that accounts and orders continue from; by default "
            "<data>/exchange/ledger.sqlite, and none with --start."
        ),
    ] = None,
    sim_controls: Annotated[
        bool, typer.Option("--sim-controls", help="Serve /_sim/step, /_sim/fault, /_sim/state...")
    ] = False,
    stepped: Annotated[
        bool, typer.Option("--stepped", help="Market time moves only by /_sim/step.")
    ] = False,
    accounts: Annotated[
        Path | None,
        typer.Option(help="TOML or YAML file of accounts instead of demo-key / demo-secret."),
    ] = None,
    fault_script: Annotated[
        Path | None, typer.Option(help="Faults with market times: YAML, JSON or .jsonl.")
    ] = None,
    fault_seed: Annotated[
        int | None, typer.Option(help="Seed that faults are drawn from by --fault-rates.")
    ] = None,
    weight_limit: Annotated[
        int, typer.Option(min=1, help="Request weight per minute before 429.")
    ] = 6_000,
    connect_limit: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="WebSocket connections of an address in five minutes before 429, 0 for any "
            "number; by default 300 with the wall clock, any number with another.",
        ),
    ] = None,
    timestamps: Annotated[
        Literal["strict", "wall", "off"] | None,
        typer.Option(
            help="What timestamps of signed requests must suit: strict (this machine's clock or "
            "the market's), wall, or off; by default strict, and off while the clock is warped."
        ),
    ] = None,
    fault_rates: Annotated[
        str | None, typer.Option(help="light, stormy, lost_answers, or a file of kind: rate.")
    ] = None,
    replay: Annotated[
        Path | None,
        typer.Option(
            help="Folder of one-minute archives to serve as the market: all their symbols, from "
            "--start, by default the first minute that all of them have."
        ),
    ] = None,
) -> None:
    """Serve until Ctrl-C, loopback only; the account is demo-key / demo-secret unless told.

    Example: trading-assets exchange serve --port 0 --start 2024-04-01T00:00:00Z --warp 60
    --sim-controls --fault-seed 7
    """
    from trading_assets.exchange.server import ExchangeConfig
    from trading_assets.exchange.server import serve as serve_until_stopped
    from trading_assets.settings import load_settings

    settings = load_settings().settings
    begin = None if start is None else instant_from_text(start)
    symbols: tuple[str, ...] = settings.symbols
    if replay is not None:
        from trading_assets.exchange.market_sources import replayed_span, replayed_symbols

        symbols = replayed_symbols(replay)
        begin = replayed_span(replay)[0] if begin is None else begin
    if ledger is None and begin is None:
        ledger = settings.data_root / "exchange" / "ledger.sqlite"
    config = ExchangeConfig(
        symbols=symbols,
        seed=settings.exchange.seed if seed is None else seed,
        structure=settings.exchange.structure if structure is None else structure,
        host=settings.exchange.host,
        port=settings.exchange.port if port is None else port,
        start=begin,
        warp=warp,
        ledger=ledger,
        sim_controls=sim_controls,
        stepped=stepped,
        weight_limit=weight_limit,
        connect_limit=connect_limit,
        timestamps=timestamps,
        accounts=_accounts(accounts),
        faults=_script(fault_script),
        fault_rates=_rates(fault_rates, fault_seed),
        replay=replay,
    )
    serve_until_stopped(config, _announce)


def _accounts(path: Path | None) -> tuple[AccountConfig, ...]:
    from trading_assets.exchange.accounts_file import accounts_from
    from trading_assets.exchange.config import AccountConfig

    return (AccountConfig(),) if path is None else accounts_from(path)


def _script(path: Path | None) -> tuple[Fault, ...]:
    from trading_assets.exchange.faults.script import script_from

    return () if path is None else script_from(path)


def _rates(wish: str | None, seed: int | None) -> Rates:
    from trading_assets.exchange.faults.armed import Rates
    from trading_assets.exchange.faults.script import rates_from

    if wish is None and seed is None:
        return Rates()
    return rates_from(wish or "light", seed or 0)


def _announce(running: RunningExchange) -> None:
    from rich.console import Console
    from rich.table import Table

    config = running.config
    table = Table.grid(padding=(0, 2))
    for name, value in (
        ("address", running.url),
        ("API_URL", running.api_url),
        ("STREAM_URL", running.stream_url),
        ("WS_API_URL", running.ws_api_url),
        ("symbols", ", ".join(config.symbols)),
        ("market", _market_text(config)),
        ("clock", _clock_text(config)),
        ("fees", f"{config.fee_bps} bps"),
        ("ledger", str(config.ledger) if config.ledger else "in memory"),
        ("controls", f"{running.url}/_sim/" if config.sim_controls else "off"),
        ("faults", _faults_text(config)),
        ("accounts", _accounts_text(config)),
    ):
        table.add_row(f"[bold]{name}[/]", value)
    console = Console()
    console.print("[bold green]The embedded exchange is open.[/] Stop it with Ctrl-C.")
    console.print(table, highlight=False)


def _faults_text(config: ExchangeConfig) -> str:
    drawn = [fault.kind.value for _, fault in config.fault_rates.chances]
    by_chance = f"{', '.join(drawn)} by seed {config.fault_rates.seed}" if drawn else ""
    script = f"{len(config.faults)} by script" if config.faults else ""
    return "; ".join(filter(None, (script, by_chance))) or "none"


def _accounts_text(config: ExchangeConfig) -> str:
    from trading_assets.exchange.config import DEMO_KEY

    if [account.key for account in config.accounts] == [DEMO_KEY]:
        return f"{DEMO_KEY} / {config.accounts[0].secret} (play money)"
    return ", ".join(f"{account.name} ({account.key})" for account in config.accounts)


def _market_text(config: ExchangeConfig) -> str:
    if config.replay is not None:
        return f"replay of {config.replay}"
    return f"seed {config.seed}, structure {config.structure:g}"


def _clock_text(config: ExchangeConfig) -> str:
    if config.start is None:
        return "wall clock"
    begin = datetime.fromtimestamp(config.start / 1_000_000, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if config.stepped:
        return f"from {begin}, by /_sim/step only"
    return f"from {begin}, {config.warp:g} times as fast as the wall clock"
