"""A book that is pushed its bars, on the real exchange, while its connections break."""

from __future__ import annotations

import threading
from itertools import pairwise

import httpx
import pytest

from trading_assets.adapters.binance.kline_stream import StreamedBars
from trading_assets.bootstrap import desk as open_desk
from trading_assets.domain.events import BarReady, OrderFilled
from trading_assets.settings import load_settings
from trading_assets.workflows import venue_streams
from trading_assets.workflows.run_live import run_live

pytestmark = pytest.mark.slow
MINUTE = 60_000_000


class CountedBars(StreamedBars):
    made: list[StreamedBars] = []  # noqa: RUF012 - of one test

    def __init__(self, *values, **more):
        super().__init__(*values, **more)
        self.made.append(self)


def test_a_book_trades_pushed_bars_without_missing_or_doubling_one(rig, monkeypatch):
    settings = load_settings(
        {**rig.environ, "TA_BINANCE__BARS": "streamed", "TA_BINANCE__ACCOUNT": "streamed"}
    ).settings
    rig.desk = open_desk(settings)
    monkeypatch.setattr(CountedBars, "made", [])
    monkeypatch.setattr(venue_streams, "StreamedBars", CountedBars)
    stop, ran = threading.Event(), []
    drop = {"kind": "ws_drop", "line": "market"}

    def trade():
        ran.append(run_live(rig.desk, "demo", stop=stop, max_bars=24))

    thread = threading.Thread(target=trade)
    thread.start()
    while thread.is_alive():
        thread.join(2.0)
        httpx.post(f"{rig.exchange.url}/_sim/fault", json=drop).raise_for_status()

    opened = [event.ts for event in rig.events() if isinstance(event, BarReady)]
    assert len(opened) >= 24
    assert {b - a for a, b in pairwise(opened)} == {5 * MINUTE}
    assert rig.count(OrderFilled) > 0
    assert ran[0].late_bars == 0
    assert rig.verdicts() == []
    (bars,) = CountedBars.made
    minutes = len(opened) * 5 * 3
    assert bars.streamed > minutes / 2  # the others were pushed to nobody, or waited for too long
    assert bars.sessions > 2
    assert not bars._supervisor._thread.is_alive()
