"""True staleness: one version per key of a run, where Dagster would give all keys the same.

Dagster 1.13 stamps one data version on every key of a ranged run, so that one changed month marks
all months of the children stale. Here the asset reports each key by itself, as soon as it is
published: its own row-content hash, the code version, and which upstream materialisations it was
made after. A key that came out as before repeats its version, and its children stay fresh. It is
reported all the same, since a backfill counts keys without an event as failed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData as CheckedMaterialization,
)
from dagster._core.definitions.data_version import (
    CODE_VERSION_TAG,
    DATA_VERSION_IS_USER_PROVIDED_TAG,
    DATA_VERSION_TAG,
    NULL_EVENT_POINTER,
    get_input_data_version_tag,
    get_input_event_pointer_tag,
)
from dagster._core.definitions.source_asset import SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION

from trading_assets.domain.errors import MissingPartition, NotTraded

NOT_TRADED = "not_traded"
"""Version of a month in which a symbol was not traded, and the metadata that says why."""

_EMPTY = "Its symbol was not traded in this month: there is nothing to judge."

_REPORTED_ALREADY = {SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION: True}
"""Metadata of an output for which Dagster writes no event of its own.

It was made for observations that report from inside their body; without it every key would get a
second event with the shared version. A test fails when a release of Dagster drops it.
"""

PartitionEvents = Iterator[dg.AssetMaterialization | dg.MaterializeResult[Any]]
"""What the body of a partitioned asset yields."""

CheckEvents = Iterator[dg.AssetCheckEvaluation | dg.Output[None]]
"""What the body of a partitioned check yields."""


@dataclass(frozen=True, slots=True)
class Version:
    """Content of one key: its hash, and what a person should see of it."""

    version: str
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """Outcome of one check on one key; a warning never blocks."""

    check: str
    passed: bool
    metadata: Mapping[str, Any] = field(default_factory=dict)
    description: str | None = None
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR


def report_each(
    context: dg.AssetExecutionContext, publish: Callable[[str], Version]
) -> PartitionEvents:
    """Publish every key of the run, and report each at once.

    When one fails, those before it stand, and its error names it. A month in which a symbol was not
    traded does not fail: it is reported as empty, with the reason, so that a range over a delisting
    goes on and backfills and schedules count it as there.
    """
    spec = context.assets_def.get_asset_spec(context.asset_key)
    keys = [str(key) for key in context.partition_keys]
    parents = _Parents.before(context.instance, [dep.asset_key for dep in spec.deps], keys)
    for key in keys:
        content = _content(publish, key, parents)
        yield dg.AssetMaterialization(
            context.asset_key,
            partition=key,
            metadata=dict(content.metadata),
            tags={
                CODE_VERSION_TAG: spec.code_version or context.run.run_id,
                DATA_VERSION_TAG: content.version,
                DATA_VERSION_IS_USER_PROVIDED_TAG: "true",
                **parents.tags(key),
            },
        )
    yield dg.MaterializeResult(metadata=_REPORTED_ALREADY)


def check_each(
    context: dg.AssetCheckExecutionContext,
    specs: Sequence[dg.AssetCheckSpec],
    examine: Callable[[str], Sequence[Finding]],
) -> CheckEvents:
    """Evaluate the selected checks on every key of the run, each key with its own verdict."""
    wanted = {spec.name: spec for spec in specs if spec.key in context.selected_asset_check_keys}
    for spec in wanted.values():
        yield dg.Output(None, output_name=spec.get_python_identifier())
    for key in (str(key) for key in context.partition_keys):
        newest = {a: _newest(context.instance, a, key) for a in {s.asset_key for s in specs}}
        if any(_version_of(record) == NOT_TRADED for record in newest.values()):
            found: Sequence[Finding] = [Finding(name, True, description=_EMPTY) for name in wanted]
        else:
            found = examine(key)
        for finding in found:
            if finding.check in wanted:
                spec = wanted[finding.check]
                yield _evaluation(spec, key, finding, newest[spec.asset_key])


def _content(publish: Callable[[str], Version], key: str, parents: _Parents) -> Version:
    """Publish a key; empty when its symbol was not traded, by declaration, source or parent."""
    try:
        return publish(key)
    except NotTraded as error:
        return Version(NOT_TRADED, {NOT_TRADED: str(error), "dagster/row_count": 0})
    except MissingPartition:
        empty = [p.to_user_string() for p in parents.versions if parents.is_not_traded(p, key)]
        if not empty:
            raise
        why = f"{key} of {', '.join(empty)} is empty: its symbol was not traded"
        return Version(NOT_TRADED, {NOT_TRADED: why, "dagster/row_count": 0})


def _newest(instance: dg.DagsterInstance, asset: dg.AssetKey, key: str) -> dg.EventLogRecord | None:
    wanted = dg.AssetRecordsFilter(asset_key=asset, asset_partitions=[key])
    return next(iter(instance.fetch_materializations(wanted, limit=1).records), None)


def _version_of(record: dg.EventLogRecord | None) -> str:
    materialization = record.asset_materialization if record else None
    return ((materialization.tags if materialization else None) or {}).get(
        DATA_VERSION_TAG, "INITIAL"
    )


def _evaluation(
    spec: dg.AssetCheckSpec, key: str, finding: Finding, judged: dg.EventLogRecord | None
) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        asset_key=spec.asset_key,
        check_name=spec.name,
        passed=finding.passed,
        metadata=dict(finding.metadata),
        description=finding.description,
        severity=finding.severity,
        blocking=spec.blocking,
        partition=key,
        target_materialization_data=(
            CheckedMaterialization(
                storage_id=judged.storage_id, run_id=judged.run_id, timestamp=judged.timestamp
            )
            if judged
            else None
        ),
    )


@dataclass(frozen=True, slots=True)
class _Parents:
    """What stood upstream when the step began.

    Dagster calls a key stale when a parent's key has another version after `pointers` than before:
    so a pointer is the newest event of the whole parent, taken before anything is read.
    """

    pointers: Mapping[dg.AssetKey, str]
    versions: Mapping[dg.AssetKey, Mapping[str | None, str]]

    @classmethod
    def before(
        cls, instance: dg.DagsterInstance, parents: Sequence[dg.AssetKey], keys: Sequence[str]
    ) -> _Parents:
        pointers: dict[dg.AssetKey, str] = {}
        versions: dict[dg.AssetKey, Mapping[str | None, str]] = {}
        for parent in parents:
            records = instance.fetch_materializations(parent, limit=1).records
            pointers[parent] = str(records[0].storage_id) if records else NULL_EVENT_POINTER
            versions[parent] = _current_versions(instance, parent, records, keys)
        return cls(pointers, versions)

    def tags(self, key: str) -> dict[str, str]:
        tags = {}
        for parent, pointer in self.pointers.items():
            known = self.versions[parent]
            month = key.partition("|")[0]
            version = known.get(key) or known.get(month) or known.get(None, "INITIAL")
            tags[get_input_event_pointer_tag(parent)] = pointer
            tags[get_input_data_version_tag(parent)] = version
        return tags

    def is_not_traded(self, parent: dg.AssetKey, key: str) -> bool:
        """Tell whether the parent's own partition of this key is empty for that reason."""
        return self.versions[parent].get(key) == NOT_TRADED


def _current_versions(
    instance: dg.DagsterInstance,
    parent: dg.AssetKey,
    newest: Sequence[dg.EventLogRecord],
    keys: Sequence[str],
) -> Mapping[str | None, str]:
    """Give the parent's version by key, by month, and under None that of its newest event."""
    by_key = instance.event_log_storage.get_latest_tags_by_partition(
        parent,
        dg.DagsterEventType.ASSET_MATERIALIZATION,
        [DATA_VERSION_TAG],
        asset_partitions=sorted({*keys, *(key.partition("|")[0] for key in keys)}),
    )
    versions: dict[str | None, str] = {k: tags[DATA_VERSION_TAG] for k, tags in by_key.items()}
    for record in newest[:1]:
        versions[None] = _version_of(record)
    return versions
