"""Checks a ledger's tables against each other: what a judge needs no exchange for."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from pathlib import Path
from typing import Any

from trading_assets.domain.errors import ConfigurationError
from trading_assets.exchange.venue.accounts import FEES, HOUSE

Tables = dict[str, list[dict[str, Any]]]
_OPEN = {"NEW", "PARTIALLY_FILLED", "PENDING_NEW"}


def tables_of(path: Path) -> Tables:
    """Read all tables of a ledger file, also while an exchange writes it.

    Raises:
        ConfigurationError: if it is not a ledger.
    """
    try:
        db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        try:
            names = [
                name
                for (name,) in db.execute(
                    "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
                )
            ]
            tables = {name: _rows(db, name) for name in names}
        finally:
            db.close()
    except sqlite3.Error as error:
        raise ConfigurationError(
            f"Cannot read the ledger {path}",
            expected="a ledger of the embedded exchange",
            found=str(error),
        ) from error
    if not {"orders", "trades", "balances"} <= tables.keys():
        raise ConfigurationError(
            f"{path} is not a ledger",
            expected="tables orders, trades and balances",
            found=", ".join(tables) or "no tables",
        )
    return tables


def _rows(db: sqlite3.Connection, table: str) -> list[dict[str, Any]]:
    rows = db.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - a name of the file itself
    names = [column[0] for column in rows.description]
    return [dict(zip(names, row, strict=True)) for row in rows]


def audit(tables: Tables) -> list[str]:
    """Say what does not add up; empty when all does."""
    return [*_orders_against_trades(tables), *_fees(tables), *_balances(tables)]


def totals(tables: Tables) -> dict[str, int]:
    """Give each asset's sum over all accounts, the house included, in 1e-8: a constant."""
    sums: dict[str, int] = defaultdict(int)
    for row in tables["balances"]:
        sums[row["asset"]] += row["free_units"] + row["locked_units"]
    return dict(sorted(sums.items()))


def _orders_against_trades(tables: Tables) -> list[str]:
    lots: dict[tuple[str, int], int] = defaultdict(int)
    units: dict[tuple[str, int], int] = defaultdict(int)
    orders = {(row["symbol"], row["order_id"]): row for row in tables["orders"]}
    wrong = []
    for trade in tables["trades"]:
        key = trade["symbol"], trade["order_id"]
        lots[key] += trade["lots"]
        units[key] += trade["value_units"]
        if key not in orders:
            wrong.append(f"trade {trade['trade_id']} of {key[0]} belongs to no order")
    for key, order in orders.items():
        name = f"order {key[1]} of {key[0]}"
        if (lots[key], units[key]) != (order["executed_lots"], order["executed_units"]):
            wrong.append(
                f"{name}: executed {order['executed_lots']} lots for {order['executed_units']}, "
                f"its trades say {lots[key]} for {units[key]}"
            )
        if order["executed_lots"] > order["lots"]:
            wrong.append(f"{name}: executed {order['executed_lots']} of {order['lots']} lots")
        if (order["status"] == "FILLED") != (0 < order["lots"] == order["executed_lots"]):
            wrong.append(f"{name}: {order['status']} with {order['executed_lots']} lots executed")
        if order["locked_units"] and order["status"] not in _OPEN:
            wrong.append(f"{name}: {order['status']}, yet it holds {order['locked_units']}")
    return wrong


def _fees(tables: Tables) -> list[str]:
    paid: dict[str, int] = defaultdict(int)
    for trade in tables["trades"]:
        paid[trade["fee_asset"]] += trade["fee_units"]
    held = {r["asset"]: r["free_units"] for r in tables["balances"] if r["account"] == FEES}
    return [
        f"fees in {asset}: trades paid {paid[asset]}, the house holds {held.get(asset, 0)}"
        for asset in sorted(paid.keys() | held.keys())
        if paid[asset] != held.get(asset, 0)
    ]


def _balances(tables: Tables) -> list[str]:
    return [
        f"{row['account']} has {row['free_units']} free and {row['locked_units']} locked "
        f"of {row['asset']}"
        for row in tables["balances"]
        if row["account"] not in HOUSE and min(row["free_units"], row["locked_units"]) < 0
    ]
