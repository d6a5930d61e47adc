"""A month that is still running, from the embedded exchange to daily bars."""

import json
from collections.abc import Callable
from urllib.request import Request, urlopen

from trading_assets.domain.bar import MINUTE
from trading_assets.domain.ids import Month, Symbol
from trading_assets.exchange.server import ExchangeConfig, running_exchange
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.list_instruments import list_instruments
from trading_assets.workflows.market_month import market_month

SOL = Symbol("SOLUSDT")
MARCH = Month(2024, 3)


def test_the_current_month_grows_and_only_what_is_new_is_fetched(
    make_desk: Callable[..., Desk],
) -> None:
    start = MARCH.start + 1503 * MINUTE + 20_000_000
    config = ExchangeConfig(port=0, start=start, stepped=True, sim_controls=True)
    with running_exchange(config) as exchange:
        desk = make_desk(TA_SOURCE="binance", TA_BINANCE__API_URL=exchange.api_url)
        raw, minutes, fives, hours, days = market_month(desk, SOL, MARCH)
        assert [p.rows for p in (raw, minutes, fives, hours, days)] == [2, 1503, 300, 25, 1]
        assert minutes.metadata["unfinished"] == 0
        again = market_month(desk, SOL, MARCH)
        assert not any(p.changed for p in again)
        assert again[0].metadata["fetched"] == 1
        body = json.dumps({"seconds": 60 * 1000}).encode()
        with urlopen(Request(f"{exchange.url}/_sim/step", body)):  # noqa: S310 - loopback
            later = market_month(desk, SOL, MARCH)
        assert [p.rows for p in later] == [3, 2503, 500, 41, 1]
        assert later[0].metadata["fetched"] == 2
        assert (
            desk.tables.read("bars_1m", SOL, MARCH)
            .head(1503)
            .equals(desk.tables.read_manifest(desk.tables.history("bars_1m", SOL, MARCH)[0]))
        )
        assert [i.symbol for i in list_instruments(desk)] == list(desk.settings.symbols)
