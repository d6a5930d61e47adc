"""Build the larger bars of one month from its one-minute bars."""

from __future__ import annotations

from trading_assets.domain.bar import Timeframe
from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Month, Symbol
from trading_assets.market.bar_frame import validate_bars
from trading_assets.market.resample import resample
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.market_tables import (
    CODE_VERSION,
    bars_table,
    published_from_manifest,
)
from trading_assets.workflows.published import Published


def resample_month(desk: Desk, symbol: Symbol, month: Month, timeframe: Timeframe) -> Published:
    """Publish `bars_5m`, `bars_1h` or `bars_1d`; buckets that have not ended are left out.

    Raises:
        MissingPartition: if the one-minute bars are not there.
        CorruptFile: if their file is damaged.
        DataError: if `timeframe` is one minute.
    """
    if timeframe is Timeframe.M1:
        raise DataError("One-minute bars are not resampled", expected="5m, 1h or 1d", found="1m")
    minutes = desk.tables.require(bars_table(Timeframe.M1), symbol, month)
    table, parents = bars_table(timeframe), {minutes.address: minutes.version}
    manifest = desk.tables.standing(
        table, symbol, month, code_version=CODE_VERSION, parents=parents
    )
    changed = False
    end = minutes.extra["expected_end"]
    if manifest is None or manifest.extra["expected_end"] != end:
        frame = resample(desk.tables.read_manifest(minutes), timeframe, now=end)
        validate_bars(frame, symbol, timeframe)
        manifest, changed = desk.tables.publish(
            table,
            symbol,
            month,
            frame,
            code_version=CODE_VERSION,
            parents=parents,
            gaps=minutes.gaps,
            extra={
                "source": minutes.extra["source"],
                "expected_end": end,
                "incomplete": frame.height - int(frame["complete"].sum()),
            },
        )
    return published_from_manifest(
        desk.tables, manifest, changed=changed, incomplete=manifest.extra["incomplete"]
    )
