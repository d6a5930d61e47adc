"""Data sets: what fans in to a model or a backtest, as one asset whose version is one hash.

Dagster does not look through an edge with 100 or more upstream keys, so that whoever depends on
all months of a table would never be called stale.
"""

# No postponed annotations here: Dagster reads the types of a body's arguments.
from typing import Any

import dagster as dg

from trading_assets.defs.presentation import facts
from trading_assets.defs.resources import DeskResource

_CODE_VERSION = "1"
_CONDITION = dg.AutomationCondition
_FOLLOW = (
    _CONDITION.any_deps_match(_CONDITION.data_version_changed()).since(
        _CONDITION.newly_requested() | _CONDITION.newly_updated()
    )
    & ~_CONDITION.any_deps_in_progress()
    & ~_CONDITION.in_progress()
).with_label("a month of the table has changed")


def dataset(table: str, parent: dg.AssetsDefinition, group: str) -> dg.AssetsDefinition:
    """Declare `dataset/<table>`, which follows its table by itself while the daemon runs."""

    @dg.asset(
        key=["dataset", table],
        deps=[parent],
        group_name=group,
        code_version=_CODE_VERSION,
        kinds={"json"},
        automation_condition=_FOLLOW,
        description=f"The list of the current months of `{table}`, and the one hash of them all. "
        "Models and backtests depend on it: when any month changes, they are stale.",
    )
    def frozen(desk: DeskResource) -> dg.MaterializeResult[Any]:
        from trading_assets.workflows.freeze_dataset import freeze_dataset

        content = freeze_dataset(desk.open(), table)
        return dg.MaterializeResult(
            data_version=dg.DataVersion(content.version),
            metadata=facts({"partitions": len(content.members), "hash": content.version}),
        )

    return frozen
