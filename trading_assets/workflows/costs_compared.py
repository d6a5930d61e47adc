"""What a spec charges beside what fills have cost: whether it is surely cheaper."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from trading_assets.domain.ids import Month
from trading_assets.evaluation.cost_picture import cost_picture
from trading_assets.storage.partition_store import Manifest
from trading_assets.strategies.portfolio_spec import AnySpec
from trading_assets.strategies.spec_sections import CostsSpec
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.fill_costs import FillCosts
from trading_assets.workflows.live_book import live_book
from trading_assets.workflows.publish_costs import ALL, LINEAR, costs_table
from trading_assets.workflows.strategy_specs import list_portfolios, list_specs

_FEE_STEP = 1e-6


@dataclass(frozen=True, slots=True)
class CostComparison:
    """One spec, of a strategy or of a portfolio, and symbol.

    Attributes:
        charged_bps: what the spec charges a taker beside the fee, at the mean size of the fills.
        paid_bps: what fills were worse by, robust mean; with `low` and `high` of its interval.
        charged_fee_bps, paid_fee_bps: taker's fee; None where it is no share of the notional, or
            not known.
        cheaper: in what the spec is surely cheaper than the fills were: `price`, `fee`.
    """

    spec: str
    book: str
    symbol: str
    charged_bps: float
    paid_bps: float | None
    low: float | None
    high: float | None
    charged_fee_bps: float | None
    paid_fee_bps: float | None
    cheaper: tuple[str, ...]

    def plain(self) -> dict[str, Any]:
        """Give it as plain values for JSON."""
        return asdict(self) | {"cheaper": list(self.cheaper)}


def compare_specs(desk: Desk, book: str, manifest: Manifest) -> tuple[CostComparison, ...]:
    """Compare all specs and portfolios of the desk with a version of a book's costs, by symbol.

    A portfolio charges its members by costs of its own. What is charged by these very costs is left
    out.

    Raises:
        ConfigurationError: if a spec is wrong.
        CorruptFile: if the version is damaged.
    """
    rows = linear_rows(desk.tables.read_manifest(manifest).to_dicts())
    specs: dict[str, AnySpec] = {**list_specs(desk.settings), **list_portfolios(desk.settings)}
    own = [spec for spec in specs.values() if spec.costs.measured != book]
    return tuple(one for spec in own for one in compare(spec, book, rows))


def latest_costs(desk: Desk, book: str) -> Manifest | None:
    """Give the newest month's version of a book's costs; None when there is none."""
    months = desk.tables.months(costs_table(book), None)
    return desk.tables.require(costs_table(book), None, months[-1]) if months else None


def linear_rows(rows: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Give the row of each symbol that has the linear model; what is compared is in both."""
    return {row["symbol"]: row for row in rows if row["model"] == LINEAR}


def compare(
    spec: AnySpec, book: str, rows: Mapping[str, Mapping[str, Any]]
) -> Iterator[CostComparison]:
    """Compare a spec with the rows of its symbols."""
    for symbol in spec.symbols:
        row = rows.get(symbol)
        if row is None or not row["orders"]:
            continue
        charged = charged_bps(spec.costs, row["share_mean"], row["root_mean"])
        fee = _fee_bps(spec.costs)
        is_price = row["worse_low"] is not None and row["worse_low"] > charged
        paid = row["taker_bps"]
        is_fee = fee is not None and paid is not None and paid > fee + _FEE_STEP
        found = [name for name, holds in (("price", is_price), ("fee", is_fee)) if holds]
        yield CostComparison(
            spec=spec.name,
            book=book,
            symbol=symbol,
            charged_bps=charged,
            paid_bps=row["worse"],
            low=row["worse_low"],
            high=row["worse_high"],
            charged_fee_bps=fee,
            paid_fee_bps=paid,
            cheaper=tuple(found),
        )


def charged_bps(costs: CostsSpec, share: float, root: float) -> float:
    """Give what a spec worsens a taker's price by, in basis points, at a size.

    Args:
        costs: of the spec.
        share: what `impact_bps` is multiplied by.
        root: what `sqrt_impact` is multiplied by; both are straight lines, so means give the mean.
    """
    fixed = costs.slippage_bps + costs.half_spread_bps
    return float(fixed) + float(costs.impact_bps) * share + float(costs.sqrt_impact) * root


def _fee_bps(costs: CostsSpec) -> float | None:
    """Give the taker's fee where all of it is a share of the notional."""
    others = (costs.per_share, costs.per_fill, costs.minimum_fee)
    return None if any(others) else float(costs.taker)


def costs_picture(
    desk: Desk, book: str, month: Month, rows: Sequence[Mapping[str, Any]], found: FillCosts
) -> bytes:
    """Draw a book's orders, the line through them, and what the spec of its release charges.

    Args:
        desk: knows the release.
        book: whose orders.
        month: of the version.
        rows: of the version.
        found: what it was made of.
    """
    share = np.array([order.share for order in found.orders])
    worse = np.array([order.worse_bps for order in found.orders])
    row = linear_rows(rows)[ALL]
    lines = {}
    if row["used_half_spread_bps"] is not None:
        lines["fills"] = (row["used_half_spread_bps"], row["used_impact"] or 0.0)
    release = desk.releases.current(live_book(desk.settings, book).traded)
    if release is not None:
        said = release.spec.costs.at_first
        fixed = charged_bps(said, 0.0, row["root_mean"] or 0.0)
        lines[f"{release.spec.name} charges"] = (fixed, float(said.impact_bps))
    return cost_picture(share, worse, lines, f"{book}, known by the end of {month}")
