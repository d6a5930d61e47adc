"""Data behind a release that say otherwise by now are found; data that only grew are not."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import polars as pl
import pytest

from trading_assets.domain.errors import CorruptFile
from trading_assets.domain.ids import Month
from trading_assets.domain.policy_events import FoundUpstream
from trading_assets.workflows.upstream_of_release import UpstreamWatch, upstream_findings

JANUARY = Month(2024, 1)
MINUTE = 60_000_000


@pytest.fixture
def desk(make_desk):
    return make_desk(TA_SYMBOLS='["BTCUSDT"]')


def _put(desk, table, values, *, parents=(), symbol="BTCUSDT"):
    ts = [JANUARY.start + n * MINUTE for n in range(len(values))]
    frame = pl.DataFrame({"ts": ts, "value": values}).with_columns(
        pl.col("ts").cast(pl.Datetime("us", "UTC"))
    )
    made, _ = desk.tables.publish(
        table,
        symbol,
        JANUARY,
        frame,
        code_version="1",
        parents={parent.address: parent.version for parent in parents},
    )
    return made


def _release(*manifests, models=()):
    pins = {str(n): {"model_id": name} for n, name in enumerate(models)}
    inputs = {m.address: m.version for m in manifests}
    return SimpleNamespace(
        facts={"inputs": {**inputs, "rules/costs": "abc"}}, models=pins, regimes={}
    )


def _found(desk, release):
    return [(f.address, f.kind) for f in upstream_findings(desk, release)]


def test_nothing_is_found_while_all_is_as_it_was(desk):
    bars = _put(desk, "bars_1m", [1.0, 2.0, 3.0])
    features = _put(desk, "features", [1.0, 2.0, 3.0], parents=[bars])

    assert _found(desk, _release(bars, features)) == []


def test_a_restated_partition_is_found_and_what_was_not_made_again_is_stale(desk):
    bars = _put(desk, "bars_1m", [1.0, 2.0, 3.0])
    features = _put(desk, "features", [1.0, 2.0, 3.0], parents=[bars])
    release = _release(features)
    restated = _put(desk, "bars_1m", [1.5, 2.0, 3.0])

    assert _found(desk, release) == [
        ("bars_1m/BTCUSDT/2024-01", "restated"),
        ("features/BTCUSDT/2024-01", "stale"),
    ]
    _put(desk, "features", [1.5, 2.0, 3.0], parents=[restated])
    assert _found(desk, release) == [
        ("bars_1m/BTCUSDT/2024-01", "restated"),
        ("features/BTCUSDT/2024-01", "restated"),
    ]


def test_rows_that_were_added_are_no_finding_and_rows_that_went_are(desk):
    bars = _put(desk, "bars_1m", [1.0, 2.0, 3.0])
    _put(desk, "bars_1m", [1.0, 2.0, 9.0, 4.0, 5.0])  # the last row may have been unfinished
    assert _found(desk, _release(bars)) == []

    _put(desk, "bars_1m", [1.0, 9.0, 3.0, 4.0, 5.0, 6.0])
    assert _found(desk, _release(bars)) == [("bars_1m/BTCUSDT/2024-01", "restated")]
    _put(desk, "bars_1m", [1.0, 2.0])
    assert _found(desk, _release(bars)) == [("bars_1m/BTCUSDT/2024-01", "restated")]


def test_what_is_gone_or_damaged_is_found(desk):
    bars = _put(desk, "bars_1m", [1.0, 2.0])
    other = dataclasses.replace(bars, symbol="SOLUSDT")
    assert _found(desk, _release(other)) == [("bars_1m/SOLUSDT/2024-01", "missing")]

    folder = desk.tables.folder("bars_1m", "BTCUSDT", JANUARY)
    manifest = next(folder.glob("manifest-*.json"))
    manifest.write_bytes(manifest.read_bytes()[:-9])
    assert _found(desk, _release(bars)) == [("bars_1m/BTCUSDT/2024-01", "damaged")]


def test_a_watch_looks_beside_the_executor_once_an_hour():
    local, looks, errors = [0.0], [], [KeyError("inputs"), CorruptFile("torn")]

    def look():
        looks.append(local[0])
        if len(looks) > 1:
            raise errors.pop()
        return FoundUpstream(("a is restated",))

    watch = UpstreamWatch(look, lambda: local[0])
    assert watch() is None
    watch.wait()
    assert watch() == FoundUpstream(("a is restated",))
    local[0] = 3599.0
    assert watch() is None
    watch.wait()
    assert looks == [0.0]
    local[0] = 3600.0
    assert watch() is None
    watch.wait()
    (line,) = watch().findings
    assert "cannot be looked at: torn" in line
    assert watch() is None
    local[0] = 7200.0
    assert watch() is None
    watch.wait()
    assert watch().findings == ("the data behind the release cannot be looked at: 'inputs'",)
