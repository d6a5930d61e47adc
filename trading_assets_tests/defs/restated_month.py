"""A program for test_restatement.py: the real graph over 4 months, of which one is restated.

The archive, its months of two hours and the way of asking what is stale are those of
sixty_months.py. After the month was fetched again, the graph is brought up to date level by level;
what is stale before each level is printed as JSON. At last the hole of a month is explained.
"""

from __future__ import annotations

import json
import sys

import dagster as dg
from sixty_months import lay_down, run, stale

from trading_assets.defs.assets import features, market_data
from trading_assets.defs.partitions import SETTINGS, key_range

MONTHS = [SETTINGS.first_month.shift(n) for n in range(4)]
SYMBOL, MONTH = SETTINGS.symbols[1], MONTHS[1]
HEADER = "venue,symbol,first_missing,last_missing,cause,evidence\n"
SIZES = [market_data.bars_5m, market_data.bars_1h, market_data.bars_1d]


def main() -> None:
    for month in MONTHS:
        for symbol in SETTINGS.symbols:
            lay_down(symbol, month)
    assert SETTINGS.quality.outages is not None
    SETTINGS.quality.outages.write_text(HEADER)
    whole = key_range(MONTHS[0], MONTHS[-1], SETTINGS.symbols)
    own = key_range(MONTH, MONTH, [SYMBOL])
    told = {}
    with dg.DagsterInstance.ephemeral() as instance:
        run(instance, [market_data.instruments])
        tables = [market_data.raw_klines, market_data.bars_1m, *SIZES, features.MODEL_FEATURES]
        run(instance, tables, whole)
        run(instance, [market_data.dataset_bars_5m, features.dataset_features])
        told["at first"] = stale(instance)
        run(instance, [market_data.raw_klines], own)
        told["fetched again, unchanged"] = stale(instance)

        lay_down(SYMBOL, MONTH, scale=1.01)
        run(instance, [market_data.raw_klines], own)
        told["fetched again, restated"] = stale(instance)
        run(instance, [market_data.bars_1m], own)
        told["minutes published"] = stale(instance)
        run(instance, SIZES, own)
        told["larger bars published"] = stale(instance)
        run(instance, [features.MODEL_FEATURES], key_range(MONTH, MONTHS[-1], [SYMBOL]))
        told["features published"] = stale(instance)
        run(instance, [market_data.dataset_bars_5m, features.dataset_features])
        told["at last"] = stale(instance)

        hole = f"{MONTH}-01 02:00,{MONTH}-{MONTH.days} 23:59"
        SETTINGS.quality.outages.write_text(
            f"{HEADER}archive,{SYMBOL},{hole},venue_outage,their notice\n"
        )
        run(instance, [market_data.bars_1m], own)
        told["gap explained"] = stale(instance)
        run(instance, SIZES, own)
        run(instance, [features.MODEL_FEATURES], key_range(MONTH, MONTHS[-1], [SYMBOL]))
        told["causes written anew"] = stale(instance)
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
