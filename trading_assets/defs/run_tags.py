"""What a run in MLflow is told about the Dagster run, asset and partition that it belongs to."""

from __future__ import annotations

import dagster as dg

from trading_assets.workflows.run_links import ASSET, PARTITION, RUN


def run_tags(run_id: str, key: dg.AssetKey, partition: str = "") -> dict[str, str]:
    """Give the tags; a run without a partition has no tag of one."""
    tags = {RUN: run_id, ASSET: key.to_user_string()}
    return {**tags, PARTITION: partition} if partition else tags
