"""Metadata that leads from a failed check to what rests on it, and from an order to its trace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import dagster as dg

from trading_assets.defs.partition_events import Finding
from trading_assets.defs.partitions import month_and_symbol
from trading_assets.domain.errors import TradingAssetsError

if TYPE_CHECKING:
    from trading_assets.workflows.desk import Desk

RADIUS, TRACE = "blast_radius", "trace"


def with_radius(desk: Desk, table: str, key: str, findings: Sequence[Finding]) -> list[Finding]:
    """Add to each check that failed what rests on the partition, before anybody has to ask.

    Where that cannot be told, since a record of something is damaged, the reason stands there: the
    check itself has failed all the same.
    """
    if all(finding.passed for finding in findings):
        return list(findings)
    from trading_assets.workflows.blast_radius import blast_radius

    month, symbol = month_and_symbol(key)
    manifest = desk.tables.require(table, symbol, month)
    try:
        found = blast_radius(desk, manifest.address, manifest.version).shown()
    except TradingAssetsError as error:
        found = {"unknown": [str(error)]}
    told = {
        RADIUS: dg.MetadataValue.json({k: v for k, v in found.items() if v}),
        "command": f"trading-assets blast-radius {manifest.address}@{manifest.n}",
    }
    return [
        finding if finding.passed else replace(finding, metadata={**finding.metadata, **told})
        for finding in findings
    ]


def trace_commands(book: str, orders: Sequence[Mapping[str, Any]]) -> dg.MetadataValue[Any]:
    """Give for each order the command that traces it to the vendor's bytes."""
    lines = [f"trading-assets trace {order['client_order_id']} --book {book}" for order in orders]
    return dg.MetadataValue.md("\n".join(["```", *lines, "```"]))
