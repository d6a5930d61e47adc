"""Evidence for decisions: the features that models see know no future, by the code as it is."""

from __future__ import annotations

from trading_assets.evaluation.gates import Check
from trading_assets.features.feature_set import FeatureSet
from trading_assets.features.look_ahead import MIN_CUTS
from trading_assets.storage.partition_store import Manifest
from trading_assets.workflows.build_features import look_ahead
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.feature_sets import model_set
from trading_assets.workflows.freeze_dataset import table_manifests

KNOWS_NO_FUTURE = "knows_no_future"
_NAMED = 6


def features_know_no_future(desk: Desk, features: FeatureSet | None = None) -> Check:
    """Sum up, over all partitions of a set, the proofs that were made before they were published.

    A set that leaks is never published, so its partitions stay those of the code before: they prove
    nothing of the code as it is. Then the newest of them is searched, to say what is wrong.

    Args:
        desk: whose tables are looked at.
        features: the set; that of the models when left out.

    Returns:
        `<table>.knows_no_future`: red with the columns and the partition where it leaks, or with
        the partitions that were never proven for this code; unknown when there are none.

    Raises:
        MissingPartition: if the bars of a partition that must be searched are gone.
    """
    chosen = features or model_set(desk.settings)
    name = f"{chosen.table}.{KNOWS_NO_FUTURE}"
    manifests = [manifest for manifest in table_manifests(desk, chosen.table) if manifest.rows]
    if not manifests:
        return Check(name, passed=None, detail=f"{chosen.table} has no partition")
    unproven = [m for m in manifests if not _is_proven(m, chosen)]
    if not unproven:
        return Check(name, passed=True, detail=f"{len(manifests)} partitions proven at random cuts")
    detail = f"not proven for the present code: {', '.join(m.address for m in unproven[:_NAMED])}"
    found = _search(desk, unproven[-1], chosen)
    return Check(name, passed=False, detail=f"{found}; {detail}" if found else detail)


def _is_proven(manifest: Manifest, features: FeatureSet) -> bool:
    proof = manifest.extra.get("look_ahead", {})
    return manifest.code_version == features.code_version and proof.get("leaks") == 0


def _search(desk: Desk, manifest: Manifest, features: FeatureSet) -> str:
    """Name the columns that know the future, if there are any."""
    symbol, month = manifest.symbol, manifest.month
    if symbol is None or month is None:
        return ""
    leaks = look_ahead(desk, symbol, month, features, cuts=MIN_CUTS, seed=desk.settings.model.seed)
    return "; ".join(map(str, leaks))[:500]
