"""A program for test_daily_source.py: the real graph where one symbol of two has days, no minutes.

It runs in its own process, since the graph is made from settings as it is imported. All checks run
with the tables. Then the vendor restates one day, and the graph is brought up to date level by
level; what is stale before each level is printed as JSON.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Sequence

import dagster as dg
from sixty_months import QUIET, lay_down, stale
from sixty_months import run as run_without_checks

from trading_assets import bootstrap
from trading_assets.definitions import defs
from trading_assets.defs.assets import features, market_data
from trading_assets.defs.partitions import SETTINGS, key_range, range_tags
from trading_assets.workflows.freeze_calendars import sessions_of_symbol

MONTHS = [SETTINGS.first_month.shift(n) for n in range(3)]
MINUTES, DAYS = SETTINGS.symbols
SIZES = [market_data.bars_5m, market_data.bars_1h, market_data.bars_1d]
LAST = [market_data.dataset_bars_1d, market_data.dataset_bars_5m, features.dataset_features]


def write_days(*, without: str, restated: str = "") -> None:
    """Write the vendor's file: all sessions of New York in these months, but for one."""
    sessions = sessions_of_symbol(bootstrap.desk(SETTINGS), DAYS)
    assert sessions is not None
    held = sessions.cut(MONTHS[0].start, MONTHS[-1].end).frame["session"].to_list()
    dates = [f"{day}" for day in held if f"{day}" != without and isinstance(day, dt.date)]
    rows = [f"{day},2,{4 if day == restated else 3},1,2,10" for day in dates]
    text = "\n".join(["date,open,high,low,close,volume", *rows])
    (SETTINGS.home / f"{DAYS}.csv").write_text(text)


def run(
    instance: dg.DagsterInstance, assets: Sequence[dg.AssetsDefinition], keys: tuple[str, str]
) -> list[str]:
    """Materialise assets with their checks; give the checks that did not pass."""
    result = dg.materialize(
        [*(defs.assets or []), *(defs.asset_checks or [])],
        selection=dg.AssetSelection.assets(*assets),
        tags=range_tags(*keys),
        instance=instance,
        resources=defs.resources,
        run_config=QUIET,
    )
    assert result.success
    return sorted(
        f"{each.check_name} {each.partition}"
        for each in result.get_asset_check_evaluations()
        if not each.passed and str(DAYS) in str(each.partition)
    )


def main() -> None:
    for month in MONTHS:
        lay_down(MINUTES, month)
    write_days(without="2021-02-10")
    whole = key_range(MONTHS[0], MONTHS[-1], SETTINGS.symbols)
    own = key_range(MONTHS[1], MONTHS[1], [DAYS])
    told: dict[str, object] = {}
    with dg.DagsterInstance.ephemeral() as instance:
        run_without_checks(instance, [market_data.instruments])
        tables = [market_data.raw_klines, market_data.bars_1m, *SIZES, features.MODEL_FEATURES]
        told["checks"] = run(instance, tables, whole)
        run_without_checks(instance, LAST)
        run_without_checks(instance, [market_data.universe], (str(MONTHS[1]), str(MONTHS[2])))
        told["at first"] = stale(instance)

        write_days(without="2021-02-10", restated="2021-02-12")
        run_without_checks(instance, [market_data.raw_klines], own)
        told["fetched again, restated"] = stale(instance)
        run_without_checks(instance, [market_data.bars_1m], own)
        told["minutes published"] = stale(instance)
        run_without_checks(instance, SIZES, key_range(MONTHS[1], MONTHS[2], [DAYS]))
        told["larger bars published"] = stale(instance)
        run_without_checks(instance, LAST)
        told["data sets published"] = stale(instance)
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
