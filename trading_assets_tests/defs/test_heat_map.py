"""What is there of a month, as a picture of days x hours."""

import base64
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest

from trading_assets.bootstrap import desk
from trading_assets.defs.heat_map import heat_map
from trading_assets.domain.bar import MINUTE, Gap
from trading_assets.domain.ids import Micros, Month, Symbol
from trading_assets.settings import load_settings
from trading_assets.workflows.coverage import month_coverage
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.freeze_calendars import freeze_calendars, sessions_of_symbol

BTC, MARCH = Symbol("BTCUSDT"), Month(2024, 3)
HOUR = 60 * MINUTE


def svg_of(markdown: str) -> ElementTree.Element:
    found = re.search(r"data:image/svg\+xml;base64,([^)]+)\)", markdown)
    assert found
    return ElementTree.fromstring(base64.b64decode(found[1]))  # noqa: S314 - our own


def publish(a_desk: Desk, gaps: tuple[Gap, ...], first: Micros, end: Micros = MARCH.end) -> None:
    frame = pl.DataFrame({"ts": pl.Series([first]).cast(pl.Datetime("us", "UTC"))})
    a_desk.tables.publish(
        "bars_1m", BTC, MARCH, frame, code_version="1", parents={}, gaps=gaps,
        extra={"expected_end": end},
    )  # fmt: skip


@pytest.fixture
def a_desk(tmp_path: Path) -> Desk:
    return desk(load_settings({"TA_HOME": str(tmp_path)}).settings)


def test_gaps_lower_the_share_of_exactly_their_hours(a_desk: Desk) -> None:
    start = MARCH.start + 5 * HOUR + 50 * MINUTE
    publish(a_desk, (Gap(start, start + 69 * MINUTE, 70),), MARCH.start)
    shares = month_coverage(a_desk, BTC, MARCH)
    assert (len(shares), {len(row) for row in shares}) == (31, {24})
    odd = {(d, h): s for d, row in enumerate(shares) for h, s in enumerate(row) if s != 1.0}
    assert odd == {(0, 5): 50 / 60, (0, 6): 0.0}


def test_before_the_first_bar_and_after_the_last_fetch_nothing_is_expected(a_desk: Desk) -> None:
    publish(a_desk, (), MARCH.start + 3 * HOUR, end=MARCH.start + 6 * HOUR + 30 * MINUTE)
    shares = month_coverage(a_desk, BTC, MARCH)
    assert shares[0][:8] == (None, None, None, 1.0, 1.0, 1.0, 1.0, None)
    assert all(share is None for row in shares[1:] for share in row)


def test_only_the_minutes_of_sessions_are_expected(tmp_path: Path) -> None:
    environ = {"TA_HOME": str(tmp_path), "TA_INSTRUMENTS__BTCUSDT__CALENDAR": "XNYS"}
    a_desk = desk(load_settings(environ).settings)
    freeze_calendars(a_desk)
    sessions = sessions_of_symbol(a_desk, BTC)
    assert sessions is not None
    opened = int(sessions.minutes(MARCH.start, MARCH.end)[0])
    publish(a_desk, (Gap(opened, opened, 1),), opened + MINUTE)
    shares = month_coverage(a_desk, BTC, MARCH)
    assert shares[0][13:15] == (None, 29 / 30)  # New York opens at 14:30 UTC, in winter
    assert shares[0][15:21] == (1.0,) * 6
    assert all(share is None for share in (*shares[0][21:], *shares[1], *shares[2]))
    assert shares[11][13] == 1.0  # and at 13:30 after its clocks were changed


def test_the_picture_is_small_even_where_every_hour_differs() -> None:
    levels = np.random.default_rng(7).choice([1.0, 0.95, 0.7, 0.2, 0.0], size=(31, 24))
    markdown = heat_map([[float(share) for share in row] for row in levels]).value
    assert markdown is not None
    assert len(markdown) < 20_000
    paths = svg_of(markdown).findall("{http://www.w3.org/2000/svg}path")
    assert len(paths) == 5


def test_a_whole_month_is_one_colour_and_the_words_say_which() -> None:
    markdown = heat_map([[1.0] * 24] * 31).value
    assert markdown is not None
    assert len(svg_of(markdown).findall("{http://www.w3.org/2000/svg}path")) == 1
    assert "every minute." in markdown
    assert "grey" in (heat_map([[None] * 24]).value or "")
