"""Promotion: the decision about the paper book, and the release that it trades."""

# No postponed annotations here: Dagster reads the types of a body's arguments.
from typing import TYPE_CHECKING, Any

import dagster as dg

from trading_assets.defs.assets.backtests import BACKTESTS, CATALOG_POOL
from trading_assets.defs.assets.features import MODEL_FEATURES_CHECKS
from trading_assets.defs.assets.market_data import BARS_1M_CHECKS, BARS_5M_CHECKS
from trading_assets.defs.books import PROMOTED_BOOK, require_play_money
from trading_assets.defs.check_evidence import summed_up
from trading_assets.defs.presentation import facts, table
from trading_assets.defs.resources import CatalogResource, DeskResource
from trading_assets.domain.errors import TradingAssetsError
from trading_assets.workflows.code_hash import GATE_SOURCES, source_hash

if TYPE_CHECKING:
    from trading_assets.evaluation.decision import Decision
    from trading_assets.storage.release_store import Release

GROUP = "promotion"
_OF_A_RULE = ("stage", "rule", "passed", "value", "threshold", "on_fail", "note")
_DATA_CHECKS = [*BARS_1M_CHECKS, *BARS_5M_CHECKS, *MODEL_FEATURES_CHECKS]


@dg.asset(
    deps=BACKTESTS,
    group_name=GROUP,
    code_version=source_hash(*GATE_SOURCES, "workflows/examine_run.py")[:16],
    kinds={"json"},
    pool=CATALOG_POOL,
)
def promotion_decision(
    context: dg.AssetExecutionContext, desk: DeskResource, duckdb: CatalogResource
) -> dg.MaterializeResult[Any]:
    """Promote, hold or reject: one document with every rule, its value, threshold and evidence.

    It is always made, whatever the verdict; the same evidence gives the same bytes.
    """
    from trading_assets.storage.catalog import write_decision
    from trading_assets.workflows.log_decision import decide_and_log

    checks = summed_up(context.instance, _DATA_CHECKS)
    decision = decide_and_log(desk.open(), PROMOTED_BOOK, checks=checks)
    with duckdb.get_connection() as connection:
        write_decision(connection, decision)
    return dg.MaterializeResult(
        data_version=dg.DataVersion(decision.decision_id), metadata=_decision_facts(decision)
    )


@dg.asset_check(
    asset=promotion_decision,
    name="can_be_recomputed",
    description="Made again from the evidence that it names, the document has the same bytes.",
    blocking=True,
)
def decision_can_be_recomputed(desk: DeskResource) -> dg.AssetCheckResult:
    """Recompute the newest decision."""
    from trading_assets.workflows.decide import recompute

    opened = desk.open()
    newest = opened.releases.decisions.require(PROMOTED_BOOK)
    try:
        recompute(opened, newest.decision_id)
    except TradingAssetsError as error:
        return dg.AssetCheckResult(passed=False, description=str(error))
    return dg.AssetCheckResult(passed=True, metadata={"decision_id": newest.decision_id})


DECISION_CHECK = dg.AssetCheckKey(promotion_decision.key, "can_be_recomputed")


class ReleaseConfig(dg.Config):
    """Which decision to publish; empty means the newest, if it promotes."""

    decision_id: str = ""


@dg.asset(
    key=["release", PROMOTED_BOOK],
    deps=[promotion_decision],
    group_name=GROUP,
    code_version=source_hash("workflows/publish_release.py", "storage/release_store.py")[:16],
    kinds={"yaml"},
)
def release(config: ReleaseConfig, desk: DeskResource) -> dg.MaterializeResult[Any]:
    """The immutable bundle that the paper book trades: spec, models, regimes, instruments, hashes.

    Publishing a decision twice gives the same release. While the newest decision does not
    promote, the release that stands is kept.
    """
    from trading_assets.workflows.publish_release import publish_or_keep

    opened = desk.open()
    require_play_money(opened.settings, PROMOTED_BOOK)
    published = publish_or_keep(opened, PROMOTED_BOOK, config.decision_id)
    return dg.MaterializeResult(
        data_version=dg.DataVersion(published.release_id), metadata=_release_facts(published)
    )


@dg.asset_check(
    asset=release,
    name="registry_follows_ledger",
    description="The aliases in MLflow's registry are what the ledgers of decisions and releases "
    "say; an alias that was moved by hand, or a rollback since, is told.",
)
def registry_follows_ledger(desk: DeskResource) -> dg.AssetCheckResult:
    """Compare the aliases of the promoted book with its ledgers."""
    from trading_assets.workflows.registry import differences

    found = differences(desk.open(), PROMOTED_BOOK)
    fix = (
        f"Materialise release/{PROMOTED_BOOK} to put them back (a run that was deleted in MLflow "
        "gets none). Nothing trades by them."
    )
    return dg.AssetCheckResult(
        passed=not found, description="; ".join([*found, fix]) if found else None
    )


def _decision_facts(decision: "Decision") -> dict[str, Any]:
    document, candidate = decision.document, decision.candidate or {}
    return {
        "decision_id": decision.decision_id,
        "verdict": decision.verdict,
        "reason": document["reason"],
        "candidate": candidate.get("spec", "none"),
        "champion": (document["champion"] or {}).get("spec", "none"),
        "rules": table(
            decision.rules, ("stage", "rule", "passed", "value", "threshold", "on_fail", "note")
        ),
        "field": table(
            document["field"], ("spec", "verdict", "oos_net_return_pct", "oos_trades", "failed")
        ),
    }


def _release_facts(published: "Release") -> dict[str, Any]:
    return facts(
        {
            "release_id": published.release_id,
            "decision_id": published.decision_id,
            "spec": published.spec.name,
            "models": {horizon: m["model_id"] for horizon, m in published.models.items()},
            "regimes": {symbol: pin["month"] for symbol, pin in published.regimes.items()},
            "order_types": sorted(kind.name for kind in published.order_types),
            "folder": str(published.folder),
        }
    )
