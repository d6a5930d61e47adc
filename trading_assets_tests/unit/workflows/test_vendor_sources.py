"""A month from a vendor with a key: fetched once, resumed, published, and no key on disk."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from trading_assets.domain.bar import DAY
from trading_assets.domain.errors import (
    ConfigurationError,
    DataError,
    NotTraded,
    VenueUnavailable,
)
from trading_assets.domain.ids import Month, Symbol
from trading_assets.settings import load_settings
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.history_sources import open_history
from trading_assets.workflows.ingest_month import ingest_month
from trading_assets.workflows.publish_bars import publish_bars_1m
from trading_assets_tests.stand_ins import server as faults
from trading_assets_tests.stand_ins.clock import JumpingClock
from trading_assets_tests.stand_ins.eodhd import eodhd
from trading_assets_tests.stand_ins.polygon import PolygonStandIn, polygon

BTC = Symbol("BTCUSDT")
MARCH = Month(2024, 3)
KEY = "a-key-that-nobody-sees"


def declare(root: Path, kind: str, url: str, vendor_symbol: str, **options: Any) -> dict[str, str]:
    facts = {"kind": kind, "url": url, "timeframe": "1m", "max_attempts": 1}
    facts |= {"requests_per_minute": 1000, **options}
    lines = [f"[sources.{kind}]", *(f"{name} = {value!r}" for name, value in facts.items())]
    lines += ["[instruments.BTCUSDT]", f"vendor_symbol = {vendor_symbol!r}"]
    (root / "trading_assets.toml").write_text("\n".join(lines))
    return {"TA_SOURCE": kind, "TA_SYMBOLS": '["BTCUSDT"]', f"TA_{kind.upper()}_API_KEY": KEY}


def windows_asked(vendor: PolygonStandIn) -> list[int]:
    """Give the day of the month that each request for bars starts with."""
    starts = [int(a.path.split("/")[8]) for a in vendor.asked if a.path.startswith("/v2")]
    return [(start * 1000 - MARCH.start) // 86_400_000_000 + 1 for start in starts]


def test_an_interrupted_month_fetches_only_what_is_missing(
    tmp_path: Path, make_desk: Callable[..., Desk]
) -> None:
    with polygon(key=KEY) as vendor:
        desk = make_desk(**declare(tmp_path, "polygon", vendor.url, "BTCUSD"))
        vendor.faults = [None, None, None, faults.failing(503)]
        with pytest.raises(VenueUnavailable):
            ingest_month(desk, BTC, MARCH)
        assert windows_asked(vendor) == [1, 9, 17]
        vendor.asked.clear()
        published = ingest_month(desk, BTC, MARCH)
        assert windows_asked(vendor) == [17, 25]
        assert (published.metadata["objects"], published.metadata["fetched"]) == (4, 2)
        bars = publish_bars_1m(desk, BTC, MARCH)
    assert bars.rows == 31 * 1440
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(KEY.encode() in path.read_bytes() for path in files)


PROGRAM = """
import sys
from trading_assets import bootstrap
from trading_assets.domain.bar import DAY
from trading_assets.domain.ids import Month, Symbol
from trading_assets.settings import load_settings
from trading_assets.workflows.ingest_month import ingest_month

desk = bootstrap.desk(load_settings().settings)
ingest_month(
    desk, Symbol("BTCUSDT"), Month(2024, 3), told=lambda done, total: print(done, flush=True)
)
"""


def test_a_kill_in_the_middle_of_a_month_loses_nothing_that_was_there(
    tmp_path: Path, make_desk: Callable[..., Desk]
) -> None:
    with polygon(key=KEY) as vendor:
        variables = declare(tmp_path, "polygon", vendor.url, "BTCUSD", timeout_s=60)
        vendor.faults = [None, None, None, faults.silent]
        environ = os.environ | {"TA_HOME": str(tmp_path)} | variables
        with subprocess.Popen(
            [sys.executable, "-c", PROGRAM], env=environ, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if line == "2\n":
                    process.send_signal(signal.SIGKILL)
        desk = make_desk(**variables)
        assert desk.raw.current("declared-polygon", BTC, MARCH) is None
        vendor.asked.clear()
        vendor.faults.clear()
        assert ingest_month(desk, BTC, MARCH).metadata["fetched"] == 2
        assert windows_asked(vendor) == [17, 25]


def test_minutes_of_eodhd_are_published_with_what_the_vendor_says(
    tmp_path: Path, make_desk: Callable[..., Desk]
) -> None:
    with eodhd(key=KEY) as vendor:
        vendor.rewrite = lambda rows: [*reversed(rows), rows[0]]
        desk = make_desk(**declare(tmp_path, "eodhd", vendor.url, "BTC-USD.CC"))
        assert ingest_month(desk, BTC, MARCH).metadata["objects"] == 4
        bars = publish_bars_1m(desk, BTC, MARCH)
        assert not ingest_month(desk, BTC, MARCH, refresh=True).changed
    assert bars.rows == 31 * 1440
    manifest = desk.tables.require("bars_1m", BTC, MARCH)
    assert manifest.extra["duplicates"] == 4
    frame = desk.tables.read("bars_1m", BTC, MARCH)
    assert frame["volume"].to_list()[:2] == [5.0, 5.0]
    assert frame["n_trades"].null_count() == frame.height
    assert manifest.extra["source"] == "eodhd"


def test_days_of_eodhd_are_stored_and_never_pass_for_minutes(
    tmp_path: Path, make_desk: Callable[..., Desk]
) -> None:
    with eodhd(key=KEY) as vendor:
        variables = declare(tmp_path, "eodhd", vendor.url, "BTC-USD.CC", timeframe="1d")
        desk = make_desk(**variables)
        assert ingest_month(desk, BTC, MARCH).metadata["objects"] == 1
        published = publish_bars_1m(desk, BTC, MARCH)
    assert (published.rows, published.metadata["native_rows"]) == (0, 31)
    assert desk.tables.read("bars_1m", BTC, MARCH).is_empty()


def test_a_month_of_minutes_whose_first_session_is_to_come_is_not_traded_yet(
    tmp_path: Path, make_desk: Callable[..., Desk]
) -> None:
    june = Month(2024, 6)  # begins on a Saturday
    clock = JumpingClock(june.start + DAY + DAY // 2)
    with polygon(key=KEY) as vendor:
        variables = declare(tmp_path, "polygon", vendor.url, "BTCUSD")
        with (tmp_path / "trading_assets.toml").open("a") as declared:
            declared.write("\ncalendar = 'XNYS'\n")
        vendor.now = datetime(2024, 6, 2, 12, tzinfo=UTC)
        vendor.rewrite = lambda bars: []
        desk = make_desk(**variables)
        desk = replace(desk, clock=clock, history=partial(open_history, desk.settings, clock))
        ingest_month(desk, BTC, june)
        with pytest.raises(NotTraded, match="BTCUSDT has not been traded in 2024-06 yet"):
            publish_bars_1m(desk, BTC, june)
        clock.instant += 2 * DAY
        vendor.now = datetime(2024, 6, 4, 12, tzinfo=UTC)
        ingest_month(desk, BTC, june)
        with pytest.raises(DataError, match=r"There are no bars|minutes are missing") as caught:
            publish_bars_1m(desk, BTC, june)
    assert not isinstance(caught.value, NotTraded)


def test_a_volume_that_is_missing_here_and_there_is_refused(
    tmp_path: Path, make_desk: Callable[..., Desk]
) -> None:
    with eodhd(key=KEY) as vendor:
        vendor.rewrite = lambda rows: [rows[0] | {"volume": None, "high": 1000}, *rows[1:]]
        desk = make_desk(**declare(tmp_path, "eodhd", vendor.url, "BTC-USD.CC"))
        ingest_month(desk, BTC, MARCH)
        with pytest.raises(DataError, match="an amount is missing in some rows only"):
            publish_bars_1m(desk, BTC, MARCH)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("url = 'http://eodhd.com'", r"sources\.v\.url \(.*toml\).*https"),
        ("url = 'https://eodhd.com/api?api_token=x'", "a scheme and a host"),
        ("url = 'https://me:pw@eodhd.com'", "a scheme and a host"),
        ("timeframe = '5m'", "'1m' or '1d'"),
        ("requests_per_minute = 0", "greater than or equal to 1"),
    ],
)
def test_a_wrong_declaration_of_a_vendor_is_named(tmp_path: Path, line: str, words: str) -> None:
    (tmp_path / "trading_assets.toml").write_text(f"[sources.v]\nkind = 'eodhd'\n{line}\n")
    with pytest.raises(ConfigurationError, match=words):
        load_settings({"TA_HOME": str(tmp_path)})


def test_keys_of_vendors_are_secrets(tmp_path: Path) -> None:
    (tmp_path / "polygon_api_key").write_text(KEY)
    environ = {"TA_HOME": str(tmp_path), "TA_SECRETS_DIR": str(tmp_path)}
    settings = load_settings(environ | {"TA_EODHD_API_KEY": KEY}).settings
    assert settings.polygon_api_key == settings.eodhd_api_key
    assert KEY not in repr(settings)
    (tmp_path / "trading_assets.toml").write_text(f"eodhd_api_key = '{KEY}'")
    with pytest.raises(ConfigurationError, match="eodhd_api_key is a secret") as caught:
        load_settings(environ)
    assert KEY not in str(caught.value)
