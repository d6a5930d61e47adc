"""The audit of a ledger finds what was tampered with, and nothing in an honest one."""

import json
import sqlite3

import pytest

from trading_assets.domain.errors import ConfigurationError
from trading_assets.exchange.venue.audit import audit, tables_of, totals


@pytest.fixture
def ledger(wired, tmp_path):
    path = tmp_path / "ledger.sqlite"
    with wired(ledger=path) as wire:
        wire.order(symbol="SOLUSDT", side="BUY", type="MARKET", quantity="20")
        wire.order(symbol="SOLUSDT", side="SELL", type="MARKET", quantity="5")
        wire.order(**wire.limit_buy(0.9))
        wire.order(**wire.limit_buy(0.999))
        wire.sim("step", seconds=7_200)
        wire.sim("fault", kind="drop_reply")
        assert audit(tables_of(path)) == []  # also while the exchange runs
    return path


def test_an_honest_ledger_adds_up(ledger):
    tables = tables_of(ledger)
    assert len(tables["orders"]) == 4
    assert audit(tables) == []
    assert totals(tables) == {"BTC": 10**8, "SOL": 0, "USDT": 10**13}


@pytest.mark.parametrize(
    ("lie", "says"),
    [
        ("UPDATE trades SET lots = lots + 1 WHERE trade_id = 1", "its trades say"),
        ("UPDATE orders SET executed_units = 1 WHERE order_id = 1", "its trades say"),
        ("UPDATE orders SET status = 'FILLED' WHERE order_id = 3", "FILLED with 0 lots"),
        ("UPDATE orders SET status = 'NEW' WHERE order_id = 1", "NEW with"),
        ("UPDATE orders SET status = 'CANCELED' WHERE order_id = 3", "yet it holds"),
        ("DELETE FROM orders WHERE order_id = 1", "belongs to no order"),
        ("UPDATE balances SET free_units = 1 WHERE account = '@fees'", "fees in"),
        (
            "UPDATE balances SET free_units = -1 WHERE asset = 'SOL' AND account = 'demo'",
            "demo has",
        ),
    ],
)
def test_a_lie_is_found(ledger, lie, says):
    with sqlite3.connect(ledger) as db:
        db.execute(lie)
    found = audit(tables_of(ledger))
    assert any(says in line for line in found), json.dumps(found)


def test_what_is_no_ledger_is_refused(tmp_path):
    path = tmp_path / "x.sqlite"
    with pytest.raises(ConfigurationError, match="Cannot read the ledger"):
        tables_of(path)
    path.write_text("no database, whatever its name says, for quite a while")
    with pytest.raises(ConfigurationError, match="Cannot read the ledger"):
        tables_of(path)
    path.unlink()
    sqlite3.connect(path).close()
    with pytest.raises(ConfigurationError, match="is not a ledger"):
        tables_of(path)
