"""What a live book cannot be: refused before its engine is made."""

from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import symbol_from_text
from trading_assets.domain.instrument import Instrument
from trading_assets.storage.release_store import Release
from trading_assets.strategies.spec import parse_spec
from trading_assets.workflows.release_parts import machine_factory, session_setup, warm_engine

SPEC = (
    "name: mine\nstrategy: ema_trend\nsymbols: [BTCUSDT]\ncash: 1000\nprofile: margin\n"
    "sizing: {mode: fixed, qty: 1}\n"
)


def release(text):
    spec = parse_spec(text, where="mine.yaml")
    grid = Instrument(
        symbol_from_text("BTCUSDT"), "BTC", "USDT", Decimal("0.01"), Decimal("0.00001")
    )
    return Release("0123456789abcdef", "paper", Path(), {}, spec, (grid,))


def test_a_release_with_leverage_has_no_live_engine():
    with pytest.raises(ConfigurationError, match="trades with leverage"):
        machine_factory(release(SPEC + "margin: {leverage: 2}\n"))
    with pytest.raises(ConfigurationError, match="trades with leverage"):
        warm_engine(release(SPEC + "margin: {leverage: 2}\n"))
    assert machine_factory(release(SPEC)).new().equity == 1000.0


@pytest.mark.parametrize(("size", "bars"), [("1m", 60), ("5m", 12), ("1h", 1), ("1d", 1)])
def test_a_snapshot_is_saved_every_hour_of_market_time(size, bars):
    place = SimpleNamespace(name="x", settings=SimpleNamespace(account="x"))
    spot = SPEC.replace("profile: margin\n", "")
    assert session_setup(place, release(f"{spot}bar_size: {size}\n")).snapshot_bars == bars
