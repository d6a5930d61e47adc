from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from trading_assets.domain.errors import ConfigurationError
from trading_assets.strategies.forecast_driven import ForecastDriven

NULL = None


def targets(strategy, rows):
    start = datetime(2024, 1, 1, tzinfo=UTC)
    frame = pl.DataFrame(
        {
            "ts": [start + timedelta(minutes=5 * i) for i in range(len(rows))],
            "prediction": [None if p is None else p / 1e4 for p, _ in rows],
            "confidence": [c for _, c in rows],
        },
        schema={
            "ts": pl.Datetime("us", "UTC"),
            "prediction": pl.Float64,
            "confidence": pl.Float64,
        },
    )
    return strategy.signals(frame)["target"].to_list()


def test_a_confident_prediction_beyond_the_costs_is_followed():
    rows = [(12, 0.7), (12, 0.5), (5, 0.9), (-1, 0.1), (-20, NULL), (NULL, 0.9)]
    strategy = ForecastDriven(entry_bps=10, min_confidence=0.6, weight=0.9)
    assert targets(strategy, rows) == [0.9, NULL, NULL, 0.0, 0.0, NULL]


def test_without_a_confidence_the_documented_policy_holds():
    rows = [(12, NULL), (12, 0.9)]
    assert targets(ForecastDriven(null_confidence_weight=0), rows) == [NULL, 1.0]
    assert targets(ForecastDriven(null_confidence_weight=0.5), rows) == [0.5, 1.0]
    assert targets(ForecastDriven(null_confidence_weight=1), rows) == [1.0, 1.0]


def test_shorts_mirror_longs_when_allowed():
    rows = [(-12, 0.9), (-4, 0.9), (1, 0.9), (12, 0.9)]
    assert targets(ForecastDriven(short=True, exit_bps=2), rows) == [-1.0, NULL, 0.0, 1.0]


@pytest.mark.parametrize(
    "params",
    [
        {"horizon": "one hour"},
        {"entry_bps": -1},
        {"exit_bps": 20},
        {"exit_bps": -1, "short": True},
        {"min_confidence": 2},
        {"null_confidence_weight": -0.1},
    ],
)
def test_parameters_without_meaning_are_refused(params):
    with pytest.raises(ConfigurationError, match=next(iter(params))):
        ForecastDriven(**params)
