"""What matters to the models, month by month, and whether it stays the same."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from statistics import fmean

from trading_assets.domain.ids import Month
from trading_assets.evaluation.rank_correlation import rank_correlation
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.feature_sets import model_set

_MOST_MONTHS = 12


def importances(desk: Desk, month: Month) -> dict[Month, dict[str, float]]:
    """Give each feature's share of the gain, the mean over horizons, up to a month.

    Args:
        desk: holds the models.
        month: the last one; at most twelve are given, ascending, of models that learned from the
            feature set as it is now.
    """
    wanted = model_set(desk.settings).code_version
    found: dict[Month, dict[str, float]] = {}
    for each in (m for m in desk.models.months() if m <= month):
        shares = [
            model.summary["gains"]
            for horizon in desk.settings.model.horizons
            if (model := desk.models.current(each, horizon)) is not None
            and model.summary["features_code_version"] == wanted
        ]
        if shares:
            names = sorted({name for one in shares for name in one})
            found[each] = {
                name: sum(one.get(name, 0.0) for one in shares) / len(shares) for name in names
            }
    return dict(list(found.items())[-_MOST_MONTHS:])


def stability(shares: Mapping[Month, Mapping[str, float]]) -> float | None:
    """Give the mean rank correlation (Spearman) of neighbouring months; None with fewer than two.

    1 says that the same features matter in the same order; 0 that the order is drawn anew.
    """
    names = sorted({name for one in shares.values() for name in one})
    rows = [[one.get(name, 0.0) for name in names] for one in shares.values()]
    found = [rho for a, b in pairwise(rows) if (rho := rank_correlation(a, b)) is not None]
    return fmean(found) if found else None
