"""Tables of what befell a run beside its orders: refusals, financing, the risk factor."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from trading_assets.domain.instrument import Instrument, decimal_from_units
from trading_assets.evaluation.position_table import EXACT, TS, frame_of
from trading_assets.records.arrays import Records
from trading_assets.records.codes import FactorReason, Financing
from trading_assets.risk.pre_trade import Refusal

REFUSALS = pl.Schema(
    {
        "ts_utc": TS,
        "symbol": pl.String(),
        "rule": pl.String(),
        "limit": pl.Float64(),
        "was": pl.Float64(),
        "strategy": pl.String(),
    }
)
"""`ts_utc` is the bar whose close was decided; `limit` and `was` are in the unit of the rule."""

FINANCINGS = pl.Schema(
    {
        "ts_utc": TS,
        "symbol": pl.String(),
        "kind": pl.String(),
        "amount": EXACT,
        "position": EXACT,
        "price": pl.Float64(),
        "nights": pl.Int64(),
        "strategy": pl.String(),
    }
)
"""`amount` is quote paid for holding `position` over `nights`, negative when it was received."""

FACTORS = pl.Schema(
    {
        "ts_utc": TS,
        "symbol": pl.String(),
        "risk_factor": pl.Float64(),
        "reasons": pl.String(),
        "strategy": pl.String(),
    }
)
"""From the close of `ts_utc` on; reasons are joined by `|`, none for a factor of 1."""


def refusal_table(
    refusals: Sequence[Refusal], instruments: Sequence[Instrument], tags: Sequence[str]
) -> pl.DataFrame:
    """Give REFUSALS, in the order of the log."""
    rows = [
        {
            "ts_utc": refusal.ts,
            "symbol": instruments[refusal.symbol].symbol,
            "rule": refusal.rule,
            "limit": refusal.limit,
            "was": refusal.was,
            "strategy": tags[refusal.tag],
        }
        for refusal in refusals
    ]
    return frame_of(rows, REFUSALS)


def financing_table(
    financing: Records, instruments: Sequence[Instrument], tags: Sequence[str]
) -> pl.DataFrame:
    """Give what positions have cost, of rows `records.results.FINANCING`."""
    rows = [
        {
            "ts_utc": int(row["ts"]),
            "symbol": instruments[row["symbol"]].symbol,
            "kind": Financing(int(row["kind"])).name.lower(),
            "amount": decimal_from_units(int(row["amount"])),
            "position": instruments[row["symbol"]].quantity_from_lots(int(row["position"])),
            "price": float(row["price"]),
            "nights": int(row["nights"]),
            "strategy": tags[row["tag"]],
        }
        for row in financing
    ]
    return frame_of(rows, FINANCINGS)


def factor_table(
    factors: Records, instruments: Sequence[Instrument], tags: Sequence[str]
) -> pl.DataFrame:
    """Give the changes of the risk factor, of rows `records.results.FACTOR`."""
    rows = [
        {
            "ts_utc": int(row["ts"]),
            "symbol": instruments[row["symbol"]].symbol,
            "risk_factor": float(row["factor"]),
            "reasons": "|".join(
                str(reason.name).lower()
                for reason in FactorReason
                if FactorReason(int(row["reasons"])) & reason
            ),
            "strategy": tags[row["tag"]],
        }
        for row in factors
    ]
    return frame_of(rows, FACTORS)
