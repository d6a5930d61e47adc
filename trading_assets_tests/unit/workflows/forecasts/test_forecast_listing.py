"""Forecasts of all origins in one list, and the band of errors that were known."""

import shutil
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from trading_assets.domain.errors import ConflictError, DataError, UnknownSymbol
from trading_assets.domain.ids import Month, Symbol
from trading_assets.forecasting.labels import forward_returns
from trading_assets.workflows.error_band import error_bands
from trading_assets.workflows.forecast_listing import list_forecasts
from trading_assets.workflows.forecast_month import forecast_month
from trading_assets.workflows.receive_forecast import receive_forecast
from trading_assets.workflows.train_month import train_month

FEBRUARY, MARCH = Month(2024, 2), Month(2024, 3)
SOL = Symbol("SOLUSDT")
SAID = {
    "asset": "SOLUSDT",
    "horizon": "1h",
    "prediction": 0.0082,
    "confidence": 0.76,
    "timestamp": "2024-02-29T23:55:00Z",
    "model_version": "outside-1",
}


@pytest.fixture(scope="module")
def listed(desk, tmp_path_factory, make_desk_in):
    """A desk with forecasts of February, two days of March after them, one of which is of now."""
    home = tmp_path_factory.mktemp("listed")
    shutil.copytree(desk.settings.data_root, home / "data")
    made = make_desk_in(home)
    train_month(made, FEBRUARY)
    forecast_month(made, SOL, FEBRUARY)
    rows = made.tables.read("forecasts", SOL, FEBRUARY).head(2 * 288)
    later = rows.with_columns(
        pl.col("ts") + timedelta(days=29), forecast_id=pl.lit("m.") + pl.col("forecast_id")
    )
    first, second = later.head(288), later.tail(288)
    facts = {"code_version": "1", "parents": {}}
    made.tables.publish("forecasts", SOL, MARCH, first, **facts, extra={"source": "embedded"})
    made.tables.publish("forecasts_now", SOL, MARCH, pl.concat([first.tail(1), second]), **facts)
    return made


def test_ctl_12_forecasts_of_all_origins_come_newest_first_without_a_double(listed):
    receive_forecast(listed, SAID, sender="ann")
    seen, cursor = [], None
    while True:
        page = list_forecasts(listed, asset="SOLUSDT", limit=700, cursor=cursor)
        seen += page.items
        cursor = page.next
        if cursor is None:
            break

    sources = [row["source"] for row in seen]
    assert (sources.count("published"), sources.count("now")) == (29 * 288 + 288, 288)
    stamps = [row["timestamp"] for row in seen]
    assert stamps == sorted(stamps, reverse=True)
    assert seen[0]["source"] == "now"
    outside = seen[sources.index("received")]
    assert outside | SAID == outside
    assert (outside["sender"], outside["band"], outside["purpose"]) == ("ann", None, "research")
    assert len({row["forecast_id"] for row in seen}) == len(seen)


def test_a_span_is_cut_by_the_instant_of_the_forecast(listed):
    since, until = FEBRUARY.start, FEBRUARY.start + 3_600_000_000
    page = list_forecasts(listed, horizon="1h", since=since, until=until, limit=100)
    assert [row["timestamp"] for row in page.items] == [
        f"2024-02-01T00:{minute:02d}:00Z" for minute in range(55, 0, -5)
    ]
    with pytest.raises(UnknownSymbol):
        list_forecasts(listed, asset="NOPE", limit=1)
    with pytest.raises(DataError, match="Not a cursor"):
        list_forecasts(listed, limit=1, cursor="WzFd")


def test_the_band_holds_four_of_five_errors_known_before_the_month(listed):
    low, high = error_bands(listed, SOL, MARCH)["1h"]

    said = listed.tables.read("forecasts", SOL, FEBRUARY)
    bars = listed.tables.read("bars_5m", SOL, FEBRUARY)
    came = said.join(forward_returns(bars, ["1h"]), on="ts").drop_nulls()
    errors = (came.to_series(-1) - came["prediction"]).to_numpy()
    assert np.mean((errors >= low) & (errors <= high)) == pytest.approx(0.8, abs=0.001)
    newest = list_forecasts(listed, asset="SOLUSDT", limit=1).items[0]
    assert newest["band"] == [newest["prediction"] + low, newest["prediction"] + high]
    assert error_bands(listed, SOL, FEBRUARY) == {}, "nothing was known before the first month"


@pytest.mark.parametrize(
    "change",
    [
        {"prediction": float("nan")},
        {"prediction": float("inf")},
        {"confidence": 1.01},
        {"confidence": float("nan")},
        {"timestamp": "2999-01-01T00:00:00Z"},
        {"timestamp": "yesterday"},
        {"model_version": "../x"},
        {"forecast_id": "a b"},
        {"asset": "NOPE"},
    ],
)
def test_ctl_12_a_forecast_that_cannot_be_is_refused(listed, change):
    before = list_forecasts(listed, limit=1000).items
    with pytest.raises(DataError):
        receive_forecast(listed, SAID | {"model_version": "outside-2"} | change, sender="ann")
    assert list_forecasts(listed, limit=1000).items == before


def test_ctl_12_what_was_received_never_changes(listed):
    said = SAID | {"model_version": "outside-3"}
    first, is_new = receive_forecast(listed, said, sender="ann")
    assert is_new
    assert receive_forecast(listed, said, sender="bob") == (first, False)
    with pytest.raises(ConflictError, match="received before"):
        receive_forecast(listed, said | {"prediction": 0.5}, sender="ann")
