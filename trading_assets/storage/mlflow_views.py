"""Views that MLflow's pages open with: columns, order and charts, kept as tags of an experiment.

MLflow keeps what its button "Share" shares as JSON in such a tag, and an address names the tag.
Without one, its lists show no metric at all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

NEWEST = "newest"
"""Tag of the run that stands for its strategy: `yes`, or `no` once there is a newer one."""
STRATEGIES = "strategies"
_TAG = "mlflow.sharedViewState."
_WIDTH = 118
_SECTION = "compared"
_METRICS = (
    "oos.sharpe",
    "oos.psr",
    "oos.net_return_pct",
    "oos.max_drawdown_pct",
    "oos.num_trades",
    "is.sharpe",
    "sharpe",
    "net_return_pct",
    "turnover",
    "oos.dsr",
)


def view_tag(key: str) -> str:
    """Name the experiment's tag that keeps a view."""
    return f"{_TAG}{key}"


def strategies_view() -> str:
    """Give the view of all strategies: the newest backtest of each, best out of sample first."""
    return _view(
        where=f"tags.stage = 'backtest' and tags.{NEWEST} = 'yes'",
        order="oos.sharpe",
        columns=_METRICS,
        tags=["strategy.id", "gate"],
        charts=[
            _parallel("Strategies", params=(), metrics=_METRICS[:7]),
            _scatter("is.sharpe", "oos.sharpe"),
            _line("growth_pct"),
            _line("drawdown"),
            _bar("oos.sharpe"),
            _bar("oos.max_drawdown_pct"),
        ],
    )


def trials_view(parent_run_id: str, params: Sequence[str], metrics: Sequence[str]) -> str:
    """Give the view of a parent's trials: parallel coordinates, one metric against the next.

    Args:
        parent_run_id: whose children are shown; the parent is not.
        params: that vary.
        metrics: what is compared, the one that orders the trials first. The first two are drawn
            against each other.
    """
    return _view(
        where=f"tags.`mlflow.parentRunId` = '{parent_run_id}'",
        order=metrics[0],
        columns=metrics,
        params=params,
        charts=[
            _parallel("Trials", params=params, metrics=metrics),
            *([_scatter(metrics[1], metrics[0])] if len(metrics) > 1 else []),
        ],
    )


def strategies_url(ui_url: str, experiment_ids: Sequence[str]) -> str:
    """Give the address of the view of all strategies; MLflow's front page when there are none."""
    if not experiment_ids:
        return ui_url
    ids = quote(json.dumps(list(experiment_ids), separators=(",", ":")))
    return f"{ui_url}/#/compare-experiments/s?experiments={ids}&{_query(STRATEGIES)}"


def trials_url(ui_url: str, experiment_id: str, key: str) -> str:
    """Give the address of the charts of a view of one experiment."""
    return f"{ui_url}/#/experiments/{experiment_id}/runs?{_query(key)}&compareRunsMode=CHART"


def _query(key: str) -> str:
    return urlencode({"viewStateShareKey": key})


def _view(
    *,
    where: str,
    order: str,
    columns: Sequence[str],
    charts: Sequence[Mapping[str, Any]],
    params: Sequence[str] = (),
    tags: Sequence[str] = (),
) -> str:
    named = (("tags", tags), ("metrics", columns), ("params", params))
    shown = [f"{kind}.`{name}`" for kind, names in named for name in names]
    state = {
        "searchFilter": where,
        "orderByKey": f"metrics.`{order}`",
        "orderByAsc": False,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "selectedColumns": shown,
        "columnOrder": shown,
        "columnWidths": dict.fromkeys(shown, _WIDTH),
        "runsHiddenMode": "SHOW_ALL",
        "compareRunCharts": charts,
        "compareRunSections": [
            {
                "uuid": _SECTION,
                "name": "Compared",
                "display": True,
                "isReordered": False,
                "columns": 2,
                "cardHeight": 420,
            }
        ],
    }
    return json.dumps(state, separators=(",", ":"))


def _chart(kind: str, name: str, **own: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "uuid": f"{kind.lower()}-{name}",
        "displayName": name,
        "metricSectionId": _SECTION,
        "deleted": False,
        "isGenerated": False,
        "runsCountToCompare": 100,
        **own,
    }


def _parallel(name: str, *, params: Sequence[str], metrics: Sequence[str]) -> dict[str, Any]:
    return _chart(
        "PARALLEL",
        name,
        selectedParams=list(params),
        selectedMetrics=list(metrics),
        showAllRuns=True,
    )


def _scatter(across: str, up: str) -> dict[str, Any]:
    return _chart(
        "SCATTER",
        f"{up} against {across}",
        xaxis={"key": across, "type": "METRIC"},
        yaxis={"key": up, "type": "METRIC"},
    )


def _line(metric: str) -> dict[str, Any]:
    """Draw a curve as it is: MLflow would smooth it, and a drawdown looks smaller then."""
    return _chart(
        "LINE",
        metric,
        metricKey=metric,
        selectedMetricKeys=[metric],
        xAxisKey="step",
        lineSmoothness=0,
        useGlobalLineSmoothing=False,
    )


def _bar(metric: str) -> dict[str, Any]:
    return _chart("BAR", metric, metricKey=metric)
