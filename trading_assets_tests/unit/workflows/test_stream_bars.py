"""One source in paper and live: the live feed is the source of the history, or there is none."""

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from typer.testing import CliRunner

from trading_assets import bootstrap
from trading_assets.adapters.wall_clock import WallClock
from trading_assets.domain.bar import MINUTE
from trading_assets.domain.errors import ConfigurationError, UnknownSymbol, VenueUnavailable
from trading_assets.domain.ids import Symbol
from trading_assets.exchange.server import ExchangeConfig, running_exchange
from trading_assets.interfaces.cli.data import app
from trading_assets.market.bar_frame import PRICES
from trading_assets.settings import Settings, load_settings
from trading_assets.workflows.stream_bars import live_feed, require_venue_is_source, stream_bars

BTC, SHARE, FILE = Symbol("BTCUSDT"), Symbol("AAPL"), Symbol("GOLD")
DECLARED = """
    symbols = ["BTCUSDT", "AAPL", "GOLD"]
    [sources.vendor]
    kind = "polygon"
    [sources.files]
    kind = "package"
    root = "."
    pattern = "{symbol}.csv"
    columns = { ts = 1, open = 2, high = 3, low = 4, close = 5 }
    [sources.spot]
    kind = "binance_archive"
    [sources.um]
    kind = "binance_archive"
    market = "um"
    [instruments.AAPL]
    source = "vendor"
    [instruments.GOLD]
    source = "files"
    """


def settings_of(home: Path, **environ: str) -> Settings:
    (home / "trading_assets.toml").write_text(DECLARED)
    return load_settings({"TA_HOME": str(home), **environ}).settings


def test_a_source_of_history_only_has_no_live_feed(tmp_path: Path) -> None:
    desk = bootstrap.desk(settings_of(tmp_path))
    with pytest.raises(ConfigurationError, match="Source files of GOLD has no live feed"):
        live_feed(desk, (FILE,))
    with pytest.raises(ConfigurationError, match="BTCUSDT from embedded, AAPL from vendor"):
        live_feed(desk, (BTC, SHARE))
    with pytest.raises(UnknownSymbol, match="MSFT is not configured"):
        live_feed(desk, (Symbol("MSFT"),))


def test_a_stream_needs_its_key(tmp_path: Path) -> None:
    desk = bootstrap.desk(settings_of(tmp_path))
    with ExitStack() as opened, pytest.raises(ConfigurationError, match="TA_POLYGON_API_KEY"):
        opened.enter_context(live_feed(desk, (SHARE,)))


@pytest.mark.parametrize(
    ("venue", "source", "fits"),
    [
        ("embedded", "embedded", True),
        ("embedded", "binance", False),
        ("embedded", "archive", False),
        ("binance", "binance", True),
        ("binance", "archive", True),
        ("binance", "spot", True),
        ("binance", "um", False),
        ("binance", "embedded", False),
        ("binance", "vendor", False),
    ],
)
def test_a_book_trades_only_what_its_venue_is_the_source_of(
    tmp_path: Path, venue: str, source: str, fits: bool
) -> None:
    settings = settings_of(tmp_path, TA_SOURCE=source)
    if fits:
        require_venue_is_source(settings, venue, (BTC,))
        return
    with pytest.raises(ConfigurationError, match=f"BTCUSDT cannot be traded on bars of {venue}"):
        require_venue_is_source(settings, venue, (BTC,))


@pytest.fixture
def exchange() -> Iterator[ExitStack]:
    """Run the exchange that settings of these tests name, until it is closed."""
    with ExitStack() as running:
        yield running


def begun_recording(home: Path, exchange: ExitStack, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Start the exchange, and write a recording that ended five minutes ago with a wrong bar."""
    port = exchange.enter_context(running_exchange(ExchangeConfig(symbols=("BTCUSDT",)))).port
    settings_of(home)
    monkeypatch.setenv("TA_HOME", str(home))
    monkeypatch.setenv("TA_EXCHANGE__PORT", str(port))
    last = WallClock().now() // MINUTE * MINUTE - 5 * MINUTE
    known = {"event": "bar", "symbol": "BTCUSDT", "ts": last} | dict.fromkeys(PRICES, 2.0)
    known |= {"volume": 1.0, "quote_volume": 2.0, "n_trades": 1}
    out = home / "bars.jsonl"
    out.write_text(json.dumps(known) + "\n")
    return out


def test_a_recording_is_gone_on_with_from_the_command_line(
    tmp_path: Path, exchange: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = begun_recording(tmp_path, exchange, monkeypatch)
    run = CliRunner().invoke(app, ["stream", "BTCUSDT", "--out", str(out), "--bars", "4"])
    assert run.exit_code == 0, run.output
    events = [json.loads(line) for line in out.read_text().splitlines()]
    assert [event["event"] for event in events[:2]] == ["bar", "revision"]
    assert "BTCUSDT revised: " in run.stdout
    bars = events[2:]
    assert len(bars) >= 4
    assert [bar["ts"] for bar in bars] == [
        events[0]["ts"] + n * MINUTE for n in range(1, len(bars) + 1)
    ]
    assert f"{len(bars)} bars in {out}" in run.stderr.replace("\n", "")


def test_a_venue_that_goes_away_is_told_once_and_a_stop_is_heard(
    tmp_path: Path, exchange: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = begun_recording(tmp_path, exchange, monkeypatch)
    stop, troubles = threading.Event(), []

    def troubled(error: object) -> None:
        troubles.append(error)
        stop.set()

    count = stream_bars(
        bootstrap.desk(load_settings().settings),
        (BTC,),
        stop=stop,
        out=out,
        told=lambda _: exchange.close(),
        troubled=troubled,
    )
    assert count >= 4
    assert [type(trouble) for trouble in troubles] == [VenueUnavailable]
