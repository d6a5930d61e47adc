"""Sources over stand-ins on loopback, with a clock that jumps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from trading_assets.domain.ids import Symbol
from trading_assets.settings import load_settings
from trading_assets.workflows.history_sources import open_history
from trading_assets_tests.stand_ins.clock import JumpingClock
from trading_assets_tests.stand_ins.eodhd import EodhdStandIn, eodhd
from trading_assets_tests.stand_ins.polygon import PolygonStandIn, polygon

BTC = Symbol("BTCUSDT")
NAMES = {"eodhd": "BTC-USD.CC", "polygon": "BTCUSD"}
NOW = datetime(2026, 1, 1, tzinfo=UTC)

OpenVendor = Callable[..., Any]


@pytest.fixture
def clock() -> JumpingClock:
    return JumpingClock(int(NOW.timestamp()) * 1_000_000)


@pytest.fixture
def eodhd_server() -> Iterator[EodhdStandIn]:
    with eodhd(now=NOW) as stand_in:
        yield stand_in


@pytest.fixture
def polygon_server() -> Iterator[PolygonStandIn]:
    with polygon(now=NOW) as stand_in:
        yield stand_in


@pytest.fixture(params=["eodhd", "polygon"])
def server(request: pytest.FixtureRequest) -> Any:
    """Either vendor, with few bars: for what holds for both."""
    stand_in = request.getfixturevalue(f"{request.param}_server")
    stand_in.step_minutes = 60
    return stand_in


@pytest.fixture
def open_vendor(tmp_path: Path, clock: JumpingClock) -> Iterator[OpenVendor]:
    """Open a source over a stand-in as a desk does, from a settings file."""
    with ExitStack() as opened:

        def open_one(stand_in: Any, instrument: str = "", key: str = "", **options: Any) -> Any:
            kind = "eodhd" if isinstance(stand_in, EodhdStandIn) else "polygon"
            facts = {"kind": kind, "url": stand_in.url, "requests_per_minute": 1000, **options}
            lines = [f"[sources.{kind}]", *(f"{name} = {v!r}" for name, v in facts.items())]
            lines += ["[instruments.BTCUSDT]", f"vendor_symbol = {NAMES[kind]!r}", instrument]
            (tmp_path / "trading_assets.toml").write_text("\n".join(lines))
            environ = {
                "TA_HOME": str(tmp_path),
                "TA_SOURCE": kind,
                f"TA_{kind.upper()}_API_KEY": key or stand_in.key,
            }
            settings = load_settings(environ).settings
            return opened.enter_context(open_history(settings, clock)).of(BTC)

        yield open_one
