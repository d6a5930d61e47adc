"""Parameters of regimes as a release pins them: the newest that its run could have known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trading_assets.domain.errors import CorruptFile
from trading_assets.domain.ids import Micros, Month, Symbol, canonical_json
from trading_assets.features.regime import BAR, RegimeParameters
from trading_assets.storage.partition_store import Manifest
from trading_assets.strategies.portfolio_spec import AnySpec
from trading_assets.workflows.build_regimes import PARAMETERS_TABLE
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.lineage import regime_nodes
from trading_assets.workflows.provenance import Provenance

_IDENTITY = ("month", "version", "sha256")


@dataclass(frozen=True, slots=True)
class PinnedRegimes:
    """Parameters of one symbol inside a release.

    Attributes:
        facts: month, version and hash of the parameters, and the name of their file in the bundle.
        files: path inside the bundle to content.
    """

    symbol: Symbol
    facts: Mapping[str, str]
    files: Mapping[str, bytes]


def choose_regimes(
    desk: Desk, spec: AnySpec, *, until: Micros
) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    """Give the parameters that a release would pin, and for whom there are none.

    They are those of the newest month that had begun when the last bar of the run closed: those of
    a later one look at bars that the decision does not know. Where that month has no regimes, an
    older one is not taken: the market is not what it was.

    Args:
        desk: holds the parameters.
        spec: whose filters ask for regimes, or do not.
        until: open time of the last bar of its run.

    Returns:
        Symbol to month, version of the partition and SHA-256 of the parameters; and symbol to the
        reason why there are none. Both are empty for a spec without such a filter.
    """
    newest = Month.of(until + spec.timeframe.micros)
    pins: dict[str, dict[str, str]] = {}
    unknown: dict[str, str] = {}
    for symbol in needed_symbols(spec):
        found = _newest(desk, symbol, newest)
        if spec.timeframe.micros > BAR.micros:
            unknown[symbol] = f"bars of {spec.timeframe.value} do not show its hours"
        elif found is None or found.month is None:
            unknown[symbol] = f"no parameters of its regimes up to {newest}"
        elif found.extra["parameters"] is None:
            unknown[symbol] = f"no regimes in {found.month}, {found.extra['unknown_because']}"
        else:
            pins[symbol] = {
                "month": str(found.month),
                "version": found.version,
                "sha256": found.extra["parameters_sha256"],
            }
    return pins, unknown


def needed_symbols(spec: AnySpec) -> tuple[Symbol, ...]:
    """List the symbols whose regimes the filters of a spec ask for."""
    asking = (part for part in spec.parts if part.filters.regime is not None)
    return tuple(dict.fromkeys(symbol for part in asking for symbol in part.symbols))


def load_regimes(desk: Desk, pins: Mapping[str, Mapping[str, str]]) -> tuple[PinnedRegimes, ...]:
    """Give the parameters that `choose_regimes` has chosen, their partitions proven.

    Raises:
        MissingPartition: if a version is gone.
        CorruptFile: if a partition is damaged, or its parameters are not those that were chosen.
    """
    proofs = Provenance(desk)
    return tuple(_pinned(desk, proofs, Symbol(s), pin) for s, pin in sorted(pins.items()))


def identity_of(pin: Mapping[str, str]) -> dict[str, str]:
    """Give what tells a pin from others, of the facts that a release has of it."""
    return {name: pin[name] for name in _IDENTITY}


def _pinned(
    desk: Desk, proofs: Provenance, symbol: Symbol, pin: Mapping[str, str]
) -> PinnedRegimes:
    ((_, node),) = regime_nodes({symbol: pin}).items()
    manifest = proofs.require(node)
    desk.tables.read_manifest(manifest)
    parameters = RegimeParameters.from_plain(manifest.extra["parameters"])
    if parameters.sha256 != pin["sha256"]:
        raise CorruptFile(
            f"Parameters of {manifest.address} are not those that were decided on",
            expected=f"sha256 {pin['sha256']}",
            found=f"sha256 {parameters.sha256}",
            fix="Decide again.",
        )
    name = f"regimes/{symbol}.json"
    facts = {**identity_of(pin), "code_version": manifest.code_version, "document": name}
    return PinnedRegimes(symbol, facts, {name: canonical_json(parameters.plain)})


def _newest(desk: Desk, symbol: Symbol, newest: Month) -> Manifest | None:
    months = desk.tables.months(PARAMETERS_TABLE, symbol)
    latest = max((month for month in months if month <= newest), default=None)
    return None if latest is None else desk.tables.current(PARAMETERS_TABLE, symbol, latest)
