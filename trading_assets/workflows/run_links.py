"""The way back from a run in MLflow to the Dagster run, asset and partition that asked for it."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from trading_assets.settings import Settings

RUN, ASSET, PARTITION = "dagster.run_id", "dagster.asset_key", "dagster.partition"
_NOTE = "mlflow.note.content"
"""MLflow shows this tag as the description of a run, as Markdown."""


def linked(settings: Settings, tags: Mapping[str, str], *more: str) -> dict[str, str]:
    """Add a description with links: into the Dagster UI, when the tags name a Dagster run.

    Args:
        settings: know where the UI listens.
        tags: with `dagster.run_id`; `dagster.asset_key` (`backtest/ema_trend`) and
            `dagster.partition` when there are any.
        more: further lines of the description, as Markdown.
    """
    lines = [*more, *_into_dagster(settings.dagster.url, tags)]
    return {**tags, _NOTE: "\n\n".join(lines)} if lines else dict(tags)


def _into_dagster(base: str, tags: Mapping[str, str]) -> list[str]:
    run_id = tags.get(RUN)
    if not run_id:
        return []
    lines = [f"Dagster run [{run_id[:8]}]({base}/runs/{quote(run_id)})"]
    key, partition = tags.get(ASSET, ""), tags.get(PARTITION, "")
    if key:
        chosen = f"?partition={quote(partition, safe='')}" if partition else ""
        name = f"{key} {partition}".strip()
        lines.append(f"Asset [{name}]({base}/assets/{quote(key)}{chosen})")
    return lines
