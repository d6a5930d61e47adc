import polars as pl
import pytest

from trading_assets.domain.bar import MINUTE
from trading_assets.domain.errors import ConfigurationError
from trading_assets.forecasting.horizons import horizon_bars, horizon_micros
from trading_assets.forecasting.labels import forward_returns, label_column
from trading_assets.market.bar_frame import TS


def _bars(minutes: list[int]) -> pl.DataFrame:
    return pl.DataFrame(
        {"ts": [m * MINUTE for m in minutes], "close": [100.0 + m for m in minutes]}
    ).with_columns(pl.col("ts").cast(TS))


def test_a_label_is_the_return_to_the_close_one_horizon_later():
    labels = forward_returns(_bars(list(range(0, 100, 5))), ["1h"])[label_column("1h")]
    assert labels[0] == 160 / 100 - 1
    assert labels[7] == 195 / 135 - 1
    assert labels.null_count() == 12


def test_a_label_is_null_beyond_the_data_and_across_a_hole():
    minutes = [m for m in range(0, 400, 5) if m not in {120, 125}]
    frame = forward_returns(_bars(minutes), ["1h", "4h"])
    known = frame.filter(pl.col(label_column("1h")).is_not_null())["ts"].dt.epoch("us") // MINUTE
    assert known.to_list() == [m for m in minutes if m < 60 or 130 <= m < 340]
    known = frame.filter(pl.col(label_column("4h")).is_not_null())["ts"].dt.epoch("us") // MINUTE
    assert known.to_list() == [m for m in minutes if 130 <= m < 160]


def test_no_row_count_can_stand_in_for_time():
    """Twelve rows later is another time when a bar is missing, and another label."""
    minutes = [m for m in range(0, 200, 5) if m != 30]
    labels = forward_returns(_bars(minutes), ["1h"])[label_column("1h")].to_list()
    for row, label in enumerate(labels):
        end = minutes[row] + 60
        whole = end in minutes and not minutes[row] < 30 < end
        assert label == ((100 + end) / (100 + minutes[row]) - 1 if whole else None)


def test_horizons():
    assert (horizon_bars("1h"), horizon_bars("4h"), horizon_bars("1d")) == (12, 48, 288)
    assert horizon_micros("4h") == 240 * MINUTE
    with pytest.raises(ConfigurationError, match="1h or 4h or 1d"):
        horizon_micros("2h")
