"""Kills over a market that stands still: the ledger is that of a life without them."""

from __future__ import annotations

from copy import deepcopy

import pytest

from trading_assets.simulation.chaos import undisturbed
from trading_assets.simulation.chaos.undisturbed import compare_with_undisturbed, differences

ORDER = {
    "client_order_id": "ta-1", "symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "lots": 5,
    "executed_lots": 5, "executed_units": 9, "status": "FILLED", "placed_ts": 60,
}  # fmt: skip
TRADE = {
    "symbol": "BTCUSDT", "trade_id": 1, "side": "BUY", "ticks": 7, "lots": 5, "value_units": 9,
    "fee_units": 1, "fee_asset": "BTC", "ts": 60,
}  # fmt: skip
BALANCE = {"account": "demo", "asset": "BTC", "free_units": 4, "locked_units": 0}
LEDGER = {"orders": [ORDER], "trades": [TRADE], "balances": [BALANCE]}


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("orders", "client_order_id", "ta-2"),
        ("orders", "side", "SELL"),
        ("orders", "lots", 6),
        ("orders", "placed_ts", 120),
        ("trades", "ticks", 8),
        ("trades", "trade_id", 2),
        ("balances", "free_units", 3),
    ],
)
def test_any_row_that_differs_is_a_difference(table, column, value):
    other = deepcopy(LEDGER)
    other[table][0][column] = value

    assert differences(LEDGER, deepcopy(LEDGER)) == []
    assert len(differences(other, LEDGER)) == 2


@pytest.mark.parametrize("table", sorted(LEDGER))
def test_a_row_twice_and_a_row_less_are_differences(table):
    assert differences(LEDGER | {table: LEDGER[table] * 2}, LEDGER)[0].endswith("is too much")
    assert differences(LEDGER | {table: []}, LEDGER)[0].endswith("is missing")


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_kills_leave_the_ledger_of_an_undisturbed_life(tmp_path):
    verdict = compare_with_undisturbed(3, 1, tmp_path)

    assert verdict.wrong == ()
    assert verdict.figures["fills"] > 0


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_minute_that_is_traded_in_one_life_only_is_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(undisturbed, "_BARS_AFTER", 8)
    ends = undisturbed._Market.end

    def longer(market):
        ends(market)
        if market.rig.home.name == "killed":
            market.rig.start()
            market.until_idle()
            for _ in range(8):
                market.step()
            assert market.rig.stop() == 0
            market.bars -= 8

    monkeypatch.setattr(undisturbed._Market, "end", longer)

    assert compare_with_undisturbed(1, 1, tmp_path).wrong != ()
