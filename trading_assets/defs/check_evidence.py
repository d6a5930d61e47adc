"""Asset checks as evidence: what promotion decisions record of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import dagster as dg
from dagster._core.event_api import PartitionKeyFilter
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

if TYPE_CHECKING:
    from trading_assets.evaluation.gates import Check

_SUCCEEDED = AssetCheckExecutionRecordStatus.SUCCEEDED
_NAMED = 6


def summed_up(
    instance: dg.DagsterInstance, specs: Sequence[dg.AssetCheckSpec]
) -> tuple[Check, ...]:
    """Sum up the newest verdicts of partitioned checks, one line per check.

    Warnings are told and do not count. A check that was never evaluated is unknown, not green.
    The lines hold no time and no run, so that the same verdicts give the same evidence.
    """
    return tuple(_summed_up(instance, spec) for spec in specs)


def _summed_up(instance: dg.DagsterInstance, spec: dg.AssetCheckSpec) -> Check:
    from trading_assets.evaluation.gates import Check

    infos = instance.event_log_storage.get_asset_check_partition_info([spec.key])
    odd = [info.partition_key for info in infos if info.latest_execution_status is not _SUCCEEDED]
    grave = sorted(str(key) for key in odd if not _is_warning(instance, spec.key, key))
    detail = f"{len(infos)} months judged, {len(odd) - len(grave)} with a warning"
    if grave:
        detail = f"{detail}; not green: {', '.join(grave[:_NAMED])}"
    return Check(
        f"{spec.asset_key.to_user_string()}.{spec.name}",
        passed=not grave if infos else None,
        detail=detail,
    )


def _is_warning(
    instance: dg.DagsterInstance, check: dg.AssetCheckKey, partition: str | None
) -> bool:
    history = instance.event_log_storage.get_asset_check_execution_history(
        check, limit=1, partition_filter=PartitionKeyFilter(key=partition)
    )
    evaluation = history[0].evaluation if history else None
    return (
        isinstance(evaluation, dg.AssetCheckEvaluation)
        and evaluation.severity is dg.AssetCheckSeverity.WARN
    )
