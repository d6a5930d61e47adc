"""Costs that a spec takes from the fills of a book, from the bar on at which they were known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from trading_assets.domain.errors import ConfigurationError, MissingPartition
from trading_assets.domain.ids import Micros, Symbol
from trading_assets.storage.partition_store import Manifest, PartitionStore
from trading_assets.strategies.portfolio_spec import AnySpec
from trading_assets.strategies.spec_sections import CostsSpec
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.publish_costs import ALL, LINEAR, ROOT, costs_table, known_from

_MOST_BPS = Decimal(5_000)
"""The engine charges at most half of a price."""

Row = Mapping[str, Any]


def versions_for(desk: Desk, spec: AnySpec, start: Micros, end: Micros) -> tuple[Manifest, ...]:
    """List the versions of costs that bars opening in [start, end) are charged by, oldest first.

    None for a spec without `costs.measured`, and before anything is known.

    Raises:
        ConfigurationError: if settings have no such book, or its fills say nothing of costs.
    """
    book, tables = spec.costs.measured, desk.tables
    if not book:
        return ()
    known = desk.settings.books.get(book)
    if known is None or known.is_simulated:
        venues = [name for name, one in desk.settings.books.items() if not one.is_simulated]
        raise ConfigurationError(
            f"Spec {spec.name} takes its costs from a book that has none",
            expected=f"costs.measured: one of {', '.join(sorted(venues))}",
            found=f"{book}, whose fills are the engine's own" if known else book,
        )
    table = costs_table(book)
    found = [tables.require(table, None, month) for month in tables.months(table, None)]
    return in_force([m for m in found if known_from(m) is not None], start, end)


def in_force(versions: Sequence[Manifest], start: Micros, end: Micros) -> tuple[Manifest, ...]:
    """Leave out versions that are replaced before the first bar, or known after the last."""
    known = sorted((m for m in versions if since(m) < end), key=since)
    first = max((n for n, m in enumerate(known) if since(m) <= start), default=0)
    return tuple(known[first:])


def since(manifest: Manifest) -> Micros:
    """Give the first bar's open time that a version may charge: never before all was known.

    Nor before its month began: a month without a fill leaves out old ones, and takes its turn from
    the version before only then.
    """
    known = known_from(manifest)
    if known is None or manifest.month is None:
        raise MissingPartition(
            f"{manifest.address} knows no costs", expected="a version of a month with fills"
        )
    return max(known, manifest.month.start)


def with_measured(tables: PartitionStore, spec: AnySpec, versions: Iterable[Manifest]) -> AnySpec:
    """Give a spec that charges by versions of costs; its hash and its file stay as they are.

    Raises:
        CorruptFile: if a version is damaged.
    """
    declared = spec.costs
    later = tuple(
        (
            since(manifest),
            costs_of_version(declared, tables.read_manifest(manifest).to_dicts(), spec.symbols),
        )
        for manifest in versions
    )
    return spec.model_copy(update={"costs": declared.with_later(later)}) if later else spec


def with_named(tables: PartitionStore, spec: AnySpec, inputs: Mapping[str, str]) -> AnySpec:
    """Give a spec that charges by the versions that the inputs of a run name.

    Raises:
        MissingPartition: if one of them is gone.
        CorruptFile: if one is damaged.
    """
    if not spec.costs.measured:
        return spec
    table = costs_table(spec.costs.measured)
    found = [
        _named(tables, table, month, version)
        for month in tables.months(table, None)
        if (version := inputs.get(f"{table}/{month}")) is not None
    ]
    missing = sum(name.startswith(f"{table}/") for name in inputs) - len(found)
    if missing:
        raise MissingPartition(
            f"{missing} versions of {table} that a run names are gone",
            expected=", ".join(name for name in inputs if name.startswith(f"{table}/")),
            found=", ".join(manifest.address for manifest in found) or "none",
        )
    return with_measured(tables, spec, sorted(found, key=since))


def _named(tables: PartitionStore, table: str, month: Any, version: str) -> Manifest:
    history = tables.history(table, None, month)
    found = next((m for m in reversed(history) if m.version == version), None)
    if found is None:
        raise MissingPartition(
            f"Version {version[:16]} of {table}/{month} is gone", found="no such version"
        )
    return found


def costs_of_version(
    declared: CostsSpec, rows: Sequence[Row], symbols: Sequence[Symbol]
) -> CostsSpec:
    """Give the costs of an account by one version, each part as dear as its dearest symbol.

    A symbol with too few fills has those of all symbols together; what is not known of either stays
    as declared. The engine charges all symbols of an account alike, so none is charged less than
    its own fills have cost.
    """
    model = ROOT if declared.sqrt_impact else LINEAR
    of_model = {row["symbol"]: row for row in rows if row["model"] == model}
    fees = {
        name: max(_fee(of_model, symbol, name, before) for symbol in symbols)
        for name, before in (("maker_bps", declared.maker), ("taker_bps", declared.taker))
    }
    said = declared.model_dump(exclude_unset=True, exclude={"measured", "fees_bps"})
    chosen = [_row_of(of_model, symbol) for symbol in symbols]
    prices = _prices(declared, chosen, model) if any(chosen) else {}
    return CostsSpec.model_validate({**said, **fees, **prices})


def _prices(declared: CostsSpec, rows: Sequence[Row | None], model: str) -> dict[str, Decimal]:
    fixed_before = declared.slippage_bps + declared.half_spread_bps
    fixed = max(_known(row, "used_half_spread_bps", fixed_before) for row in rows)
    fixed = min(fixed, _MOST_BPS)
    impact = max(_impact(row, getattr(declared, model)) for row in rows)
    if model == LINEAR:
        impact = min(impact, _MOST_BPS - fixed)
    return {"slippage_bps": Decimal(0), "half_spread_bps": fixed, model: impact}


def _row_of(rows: Mapping[str, Row], symbol: str) -> Row | None:
    """Give the row of a symbol, or of all symbols where its own fills are too few."""
    found = (rows.get(name) for name in (symbol, ALL))
    return next((row for row in found if row is not None and not row["reason"]), None)


def _known(row: Row | None, name: str, before: Decimal) -> Decimal:
    return before if row is None or row[name] is None else Decimal(repr(row[name]))


def _impact(row: Row | None, before: Decimal) -> Decimal:
    """Give the coefficient; 0 where impact could not be told from the half spread, which has it."""
    if row is not None and row["impact_reason"]:
        return Decimal(0)
    return _known(row, "used_impact", before)


def _fee(rows: Mapping[str, Row], symbol: str, name: str, before: Decimal) -> Decimal:
    found = (rows[one][name] for one in (symbol, ALL) if one in rows)
    known = next((value for value in found if value is not None), None)
    return before if known is None else Decimal(repr(known))
