"""What the trials of a sweep have in common, by hash: the part of their keys that is not theirs."""

from __future__ import annotations

from trading_assets.backtest.trials import Ground
from trading_assets.domain.ids import content_hash
from trading_assets.storage.release_store import instrument_to_plain
from trading_assets.strategies.portfolio_spec import AnySpec
from trading_assets.workflows.code_hash import code_hash, package_versions


def sweep_identity(ground: Ground) -> str:
    """Give the identity of all that the trials on these bars share: data, spec, grid, code."""
    prepared = ground.prepared
    return content_hash(
        {
            "spec_hash": prepared.spec.spec_hash,
            "bars": dict(ground.content),
            "span": list(prepared.span) if prepared.span else None,
            "holes": [[h.symbol_index, h.row] for h in prepared.holes],
            "instruments": [instrument_to_plain(one) for one in prepared.setup.instruments],
            "code_hash": code_hash(prepared.strategy),
            "packages": package_versions(),
            **_later_costs(prepared.spec),
        }
    )


def _later_costs(spec: AnySpec) -> dict[str, object]:
    """Give the costs that replace those of the spec on the way; nothing where none do."""
    later = [[since, costs.model_dump(mode="json")] for since, costs in spec.costs.later]
    return {"later_costs": later} if later else {}
