"""A program for test_calendars.py: the real graph where one symbol of two trades on an exchange.

It runs in its own process, since calendars are read when the graph is loaded. It prints what is
stale after a year was added to the calendar, and after a session of one month was changed.
"""

from __future__ import annotations

import datetime as dt
import json
import sys

import dagster as dg
import polars as pl
import sixty_months as real_graph

from trading_assets import bootstrap
from trading_assets.defs.assets import calendars, market_data
from trading_assets.defs.partitions import SETTINGS, key_range
from trading_assets.domain.bar import DAY

MONTHS = [SETTINGS.first_month.shift(n) for n in range(3)]
CALENDARS = [calendars.calendars]
BARS = [market_data.bars_1m, market_data.bars_5m, market_data.bars_1h]
ALL = key_range(MONTHS[0], MONTHS[-1], SETTINGS.symbols)


def refrozen(change: pl.Expr, until: int = 0) -> None:
    """Publish the frozen table with other rows, as a newer library would."""
    tables = bootstrap.desk(SETTINGS).tables
    manifest = tables.require("sessions_xnys", None, None)
    frame = tables.read_manifest(manifest).with_columns(change.alias("close"))
    facts = manifest.extra | {"end": manifest.extra["end"] + until}
    tables.publish("sessions_xnys", None, None, frame, code_version="1", parents={}, extra=facts)


def main() -> None:
    for month in MONTHS:
        for symbol in SETTINGS.symbols:
            real_graph.lay_down(symbol, month)
    told = {}
    with dg.DagsterInstance.ephemeral() as instance:
        real_graph.run(instance, [*CALENDARS, market_data.raw_klines, *BARS], ALL)
        real_graph.run(instance, [market_data.bars_1d], ALL)
        told["at first"] = real_graph.stale(instance)

        far = pl.col("session") > dt.date(MONTHS[-1].year + 1, 1, 1)
        shorter = pl.col("close") - pl.duration(hours=1)
        refrozen(pl.when(far).then(shorter).otherwise("close"), 365 * DAY)
        real_graph.run(instance, CALENDARS, ALL)
        told["another year"] = real_graph.stale(instance)

        middle = pl.col("session") == dt.date(MONTHS[1].year, MONTHS[1].month, 5)
        refrozen(pl.when(middle).then(shorter).otherwise("close"))
        real_graph.run(instance, CALENDARS, ALL)
        told["one session"] = real_graph.stale(instance)
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
