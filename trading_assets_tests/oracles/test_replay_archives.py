"""Real archives, replayed: the market serves their bars to the unit (files outside the project)."""

import os
from pathlib import Path

import numpy as np
import pytest

from trading_assets.exchange.market.klines import Klines
from trading_assets.exchange.market.replay import ReplayMarket, ReplayOutages, load_replay
from trading_assets.exchange.market.tape import Tape
from trading_assets.exchange.market_sources import replayed_symbols

_SHARED = Path(os.environ.get("ORACLE_DATA") or Path(__file__).parents[3] / "shared")
_MONTHLY = _SHARED / "data" / "binance" / "spot" / "monthly"

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(not _MONTHLY.is_dir(), reason=f"no archives at {_MONTHLY}"),
]


@pytest.fixture(scope="module")
def archives():
    return load_replay(_MONTHLY, replayed_symbols(_MONTHLY))


@pytest.mark.parametrize("symbol", ["BTCUSDT"])
def test_every_minute_of_the_archive_is_served_as_it_was(archives, symbol):
    archive = archives[symbol]
    tape = Tape(ReplayMarket(7, archives), ReplayOutages(7, archives))
    klines = Klines(tape)
    far_ahead = (int(archive.minute[-1]) + 10) * 60_000_000
    bars = archive.bars
    for day in np.unique(archive.minute // 1_440).tolist():
        rows = archive.rows(day * 1_440, (day + 1) * 1_440)
        served = klines.minute_bars(archive.listing, day, far_ahead)
        assert (served.minute == archive.minute[rows]).all()
        for name in ("open", "high", "low", "close", "lots", "value", "trades", "taker_lots"):
            assert (getattr(served, name) == getattr(bars, name)[rows]).all(), (day, name)
        assert (served.taker_value == bars.taker_value[rows]).all()
    next_id = tape.next_ids(archive.listing, far_ahead)[0]
    assert next_id == int(bars.trades.sum()) + 1
