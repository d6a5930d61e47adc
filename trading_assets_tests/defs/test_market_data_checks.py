"""What the checks of bars say of months that are as they should be, and of others."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from trading_assets.bootstrap import desk
from trading_assets.defs.assets.market_data import (
    BARS_1M_CHECKS,
    _judge_five_minutes,
    _judge_minutes,
)
from trading_assets.defs.partition_events import Finding
from trading_assets.domain.bar import MINUTE, Gap, Timeframe
from trading_assets.domain.ids import Month, symbol_from_text
from trading_assets.market.bar_frame import BAR_SCHEMA
from trading_assets.settings import load_settings
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.resample_month import resample_month

KEY, SYMBOL, MONTH = "2024-02|BTCUSDT", symbol_from_text("BTCUSDT"), Month(2024, 2)
MINUTES = MONTH.days * 1440


@pytest.fixture
def a_desk(tmp_path: Path) -> Desk:
    return desk(load_settings({"TA_HOME": str(tmp_path)}).settings)


def minutes(count: int = MINUTES, *, price: float = 100.0) -> pl.DataFrame:
    ts = pl.Series("ts", range(MONTH.start, MONTH.start + count * MINUTE, MINUTE))
    values = dict.fromkeys(("open", "high", "low", "close"), price)
    frame = pl.DataFrame({"ts": ts}).with_columns(
        pl.col("ts").cast(pl.Datetime("us", "UTC")),
        symbol=pl.lit(str(SYMBOL)),
        **{name: pl.lit(value) for name, value in values.items()},
        volume=pl.lit(1.0),
        quote_volume=pl.lit(price),
        n_trades=pl.lit(1),
        source=pl.lit("embedded"),
    )
    return frame.select(pl.col(name).cast(dtype) for name, dtype in BAR_SCHEMA.items())


def publish(
    a_desk: Desk,
    frame: pl.DataFrame,
    *,
    gaps: tuple[Gap, ...] = (),
    duplicates: int = 0,
    off_grid: tuple[int, ...] = (),
    jumps: list[list[object]] | None = None,
    early_closes: list[list[int]] | None = None,
) -> None:
    a_desk.tables.publish(
        "bars_1m",
        SYMBOL,
        MONTH,
        frame,
        code_version="1",
        parents={},
        gaps=gaps,
        extra={
            "source": "embedded",
            "expected_end": MONTH.end,
            "duplicates": duplicates,
            "off_grid": list(off_grid),
            "unfinished": 0,
            "jumps": {"count": len(jumps or []), "rows": jumps or []},
            "jump_factor": 50.0,
            "early_closes": {"count": len(early_closes or []), "rows": early_closes or []},
        },
    )


def judged(a_desk: Desk) -> dict[str, Finding]:
    return {finding.check: finding for finding in _judge_minutes(a_desk, KEY)}


def blocks(finding: Finding) -> bool:
    return not finding.passed and finding.severity is dg.AssetCheckSeverity.ERROR


def warns(finding: Finding) -> bool:
    return not finding.passed and finding.severity is dg.AssetCheckSeverity.WARN


def test_a_whole_month_passes_every_check(a_desk: Desk) -> None:
    publish(a_desk, minutes())
    found = judged(a_desk)
    assert set(found) == {spec.name for spec in BARS_1M_CHECKS}
    assert all(finding.passed for finding in found.values())


def test_a_short_gap_warns_and_a_long_one_blocks(a_desk: Desk) -> None:
    publish(a_desk, minutes(), gaps=(Gap(MONTH.start, MONTH.start + 9 * MINUTE, 10),))
    assert warns(judged(a_desk)["has_no_gaps"])
    publish(a_desk, minutes(), gaps=(Gap(MONTH.start, MONTH.start, 4321),))
    assert blocks(judged(a_desk)["has_no_gaps"])


def test_a_known_outage_is_listed_and_neither_warns_nor_blocks(a_desk: Desk) -> None:
    known = Gap(MONTH.start, MONTH.start + 4999 * MINUTE, 5000, "venue_outage")
    publish(a_desk, minutes(), gaps=(known,))
    finding = judged(a_desk)["has_no_gaps"]
    assert finding.passed
    (row,) = finding.metadata["list"].records
    assert row.data == {
        "first missing": "2024-02-01 00:00",
        "last missing": "2024-02-04 11:19",
        "minutes": 5000,
        "cause": "venue_outage",
    }
    short = Gap(MONTH.end - MINUTE, MONTH.end - MINUTE, 1)
    publish(a_desk, minutes(), gaps=(known, short))
    finding = judged(a_desk)["has_no_gaps"]
    assert warns(finding)
    assert finding.metadata["longest_minutes"] == 1
    assert [row.data["minutes"] for row in finding.metadata["list"].records] == [1, 5000]


def test_jumps_and_early_closes_warn_and_show_their_rows(a_desk: Desk) -> None:
    ts = MONTH.start + 90 * MINUTE
    publish(
        a_desk,
        minutes(),
        jumps=[[ts, "close_to_open", -0.25, 812.5]],
        early_closes=[[ts, ts + 14_788_000]],
    )
    found = judged(a_desk)
    assert warns(found["moves_are_usual"])
    assert warns(found["bars_end_on_time"])
    (jump,) = found["moves_are_usual"].metadata["list"].records
    assert jump.data == {
        "bar": "2024-02-01 01:30",
        "kind": "close to open",
        "move %": -25.0,
        "times the median": 812.5,
    }
    (end,) = found["bars_end_on_time"].metadata["list"].records
    assert end.data == {"bar": "2024-02-01 01:30", "seconds": 14.788}


def test_repetitions_of_the_vendor_warn_and_those_in_the_table_block(a_desk: Desk) -> None:
    publish(a_desk, minutes(), duplicates=2)
    assert warns(judged(a_desk)["has_no_duplicates"])
    publish(a_desk, pl.concat([minutes(), minutes(1)]).sort("ts"))
    found = judged(a_desk)
    assert blocks(found["has_no_duplicates"])
    assert blocks(found["prices_are_possible"])  # it proves the order of time, too


def test_rows_off_the_grid_warn_when_left_out_and_block_when_not(a_desk: Desk) -> None:
    publish(a_desk, minutes(), off_grid=(MONTH.start + 1,))
    assert warns(judged(a_desk)["is_on_the_grid"])
    publish(a_desk, minutes().with_columns(pl.col("ts") + pl.duration(seconds=1)))
    assert blocks(judged(a_desk)["is_on_the_grid"])


@pytest.mark.parametrize(
    "change", [pl.lit(99.0).alias("high"), pl.lit(-1.0).alias("low"), pl.lit(-1.0).alias("volume")]
)
def test_impossible_prices_block_and_name_the_row(a_desk: Desk, change: pl.Expr) -> None:
    publish(a_desk, minutes().with_columns(change))
    finding = judged(a_desk)["prices_are_possible"]
    assert blocks(finding)
    assert "BTCUSDT" in (finding.description or "")


def test_bars_that_end_too_early_warn(a_desk: Desk) -> None:
    publish(a_desk, minutes(MINUTES - 16))
    finding = judged(a_desk)["is_fresh"]
    assert warns(finding)
    assert finding.metadata["minutes_behind"] == 16


def test_minutes_in_which_nothing_trades_do_not_make_bars_old(tmp_path: Path) -> None:
    """New York closes at 21:00 UTC, three hours before the month ends."""
    variables = {"TA_HOME": str(tmp_path), "TA_INSTRUMENTS__BTCUSDT__CALENDAR": "XNYS"}
    a_desk = desk(load_settings(variables).settings)
    publish(a_desk, minutes(MINUTES - 180))
    finding = judged(a_desk)["is_fresh"]
    assert (finding.passed, finding.metadata["minutes_behind"]) == (True, 0)
    publish(a_desk, minutes(MINUTES - 180 - 16))
    finding = judged(a_desk)["is_fresh"]
    assert warns(finding)
    assert finding.metadata["minutes_behind"] == 16


def test_five_minute_bars_are_those_of_the_current_minutes(a_desk: Desk) -> None:
    publish(a_desk, minutes())
    resample_month(a_desk, SYMBOL, MONTH, Timeframe.M5)
    (finding,) = _judge_five_minutes(a_desk, KEY)
    assert finding.passed
    assert finding.metadata["minutes_in_bars"] == MINUTES

    publish(a_desk, minutes(price=101.0))
    (finding,) = _judge_five_minutes(a_desk, KEY)
    assert blocks(finding)
    assert finding.metadata["is_current"] is False
