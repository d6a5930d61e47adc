import base64
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from trading_assets.evaluation.metrics import drawdown_series
from trading_assets.evaluation.report import drawdown_png, equity_png, sparkline_markdown, thin

START = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture
def equity():
    values = 10_000 * np.exp(np.cumsum(np.random.default_rng(0).normal(0, 1e-3, 26_000)))
    return pl.DataFrame(
        {
            "ts": [START + timedelta(minutes=5 * i) for i in range(values.size)],
            "equity": values,
            "drawdown": -drawdown_series(values),
        }
    )


@pytest.mark.parametrize("draw", [equity_png, drawdown_png])
def test_pictures_are_small_pngs_and_the_same_each_time(equity, draw):
    oos_start = START + timedelta(days=60)
    first = draw(equity, title="run", oos_start=oos_start)
    assert first.startswith(b"\x89PNG")
    assert len(first) < 100_000
    assert draw(equity, title="run", oos_start=oos_start) == first


def test_a_run_without_bars_still_has_a_picture(equity):
    assert equity_png(equity.head(0), title="nothing").startswith(b"\x89PNG")


def test_a_sparkline_carries_its_bytes_and_fits_a_table_cell(equity):
    text = sparkline_markdown(equity["equity"].to_numpy())
    assert len(text) < 30_000
    data = text.removeprefix("![equity](data:image/png;base64,").removesuffix(")")
    assert base64.b64decode(data).startswith(b"\x89PNG")
    assert sparkline_markdown([]).startswith("![equity]")


def test_thinning_keeps_both_ends():
    points = thin(np.arange(1000.0), 300)
    assert len(points) == 300
    assert (points[0], points[-1]) == ((0, 0.0), (999, 999.0))
    assert thin([1.0, 2.0], 300) == [(0, 1.0), (1, 2.0)]
