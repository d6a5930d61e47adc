"""Indicators against the reference series of Skender's Stock.Indicators (502 daily bars)."""

import json
import os
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from trading_assets.features.indicators import (
    atr,
    bollinger,
    ema,
    macd,
    range_position,
    rate_of_change,
    rsi,
    sma,
    true_range,
)

pytestmark = pytest.mark.oracle

_SHARED = Path(os.environ.get("ORACLE_DATA") or Path(__file__).parents[3] / "shared")
_INDICATORS = _SHARED / "data" / "indicators"
_HIGH, _LOW, _CLOSE = pl.col("high"), pl.col("low"), pl.col("close")
_LOWER, _MIDDLE, _UPPER = bollinger(_CLOSE, 20, 2.0)

_CASES = {
    "sma": ("sma", "sma", sma(_CLOSE, 20)),
    "ema": ("ema", "ema", ema(_CLOSE, 20)),
    "rsi": ("rsi", "rsi", rsi(_CLOSE, 14)),
    "true_range": ("atr", "tr", true_range(_HIGH, _LOW, _CLOSE)),
    "atr": ("atr", "atr", atr(_HIGH, _LOW, _CLOSE, 14)),
    "macd": ("macd", "macd", macd(_CLOSE, 12, 26)),
    "macd signal": ("macd", "signal", ema(macd(_CLOSE, 12, 26), 9)),
    "bollinger lower": ("bb", "lowerBand", _LOWER),
    "bollinger middle": ("bb", "sma", _MIDDLE),
    "bollinger upper": ("bb", "upperBand", _UPPER),
    "bollinger percent": ("bb", "percentB", (_CLOSE - _LOWER) / (_UPPER - _LOWER)),
    "rate of change": ("roc", "roc", rate_of_change(_CLOSE, 14) * 100.0),
}


@pytest.fixture(scope="module")
def quotes() -> pl.DataFrame:
    if not _INDICATORS.is_dir():
        pytest.skip(f"reference results are not at {_INDICATORS}; set ORACLE_DATA")
    return pl.read_csv(_INDICATORS / "quotes" / "default.csv").cast(
        dict.fromkeys(("open", "high", "low", "close"), pl.Float64)
    )


def _reference(name: str, field: str) -> list[float | None]:
    with zipfile.ZipFile(_INDICATORS / "results_shared.zip") as archive:
        return [row[field] for row in json.loads(archive.read(f"{name}.standard.json"))]


@pytest.mark.parametrize("case", _CASES)
def test_a_whole_series_equals_the_reference(quotes, case):
    name, field, expression = _CASES[case]
    ours = quotes.select(expression.alias("value"))["value"].to_list()
    theirs = _reference(name, field)
    assert len(ours) == len(theirs) == 502
    assert [value is None for value in ours] == [value is None for value in theirs]
    known = [(o, t) for o, t in zip(ours, theirs, strict=True) if t is not None]
    assert len(known) > 400
    np.testing.assert_allclose(*np.array(known).T, rtol=1e-10, atol=1e-11)


def test_the_last_row_equals_the_published_figures(quotes):
    last = quotes.select(
        sma=sma(_CLOSE, 20),
        ema=ema(_CLOSE, 20),
        rsi=rsi(_CLOSE, 14),
        macd=macd(_CLOSE, 12, 26),
        signal=ema(macd(_CLOSE, 12, 26), 9),
        atr=atr(_HIGH, _LOW, _CLOSE, 14),
        upper=_UPPER,
    ).row(-1)
    assert last == pytest.approx(
        (
            251.86,
            249.35189668034732,
            42.07732356600684,
            -6.2197702562027075,
            -5.856891653610954,
            6.1497482878433045,
            273.7004230728253,
        ),
        rel=1e-12,
    )


def test_the_range_position_stands_in_the_donchian_channel(quotes):
    upper, lower = (_reference("donchian", field) for field in ("upperBand", "lowerBand"))
    # The reference channel ends one row earlier: it is what a breakout of this row must pass.
    channel = quotes.select(
        position=range_position(_HIGH, _LOW, _CLOSE, 20).shift(1), before=_CLOSE.shift(1)
    )
    for (position, before), top, bottom in zip(channel.iter_rows(), upper, lower, strict=True):
        if top is not None:
            assert position == pytest.approx((before - bottom) / (top - bottom), rel=1e-12)
