import json
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from trading_assets.domain.bar import MINUTE
from trading_assets.domain.errors import MissingPartition
from trading_assets.domain.ids import Month, Symbol
from trading_assets.features.regime import known_regimes
from trading_assets.market.table_columns import RISK_LOG_COLUMNS
from trading_assets.workflows.risk_factor import risk_factor_month

SOL = Symbol("SOLUSDT")
FEBRUARY = Month(2024, 2)
HOUR = 60 * MINUTE


@pytest.fixture
def own_desk(tmp_path, make_desk_in, publish_bars):
    made = make_desk_in(tmp_path)
    for month in (Month(2024, 1), FEBRUARY):
        publish_bars(made, SOL, month)
    return made


def _times(opens):
    return pl.Series(np.asarray(opens)).cast(pl.Datetime("us", "UTC"))


def _lay_forecasts(desk, confidence):
    ts = _times(np.arange(FEBRUARY.start, FEBRUARY.end, 5 * MINUTE))
    rows = pl.DataFrame(
        {"ts": ts, "horizon": ["1h"] * len(ts), "confidence": [confidence] * len(ts)}
    )
    desk.tables.publish("forecasts", SOL, FEBRUARY, rows, code_version="1", parents={})


def _regimes(turbulent):
    ts = _times(np.arange(FEBRUARY.start, FEBRUARY.end, HOUR))
    wild = [i in turbulent for i in range(len(ts))]
    return pl.DataFrame(
        {
            "ts": ts,
            "p_calm": [0.05 if w else 0.95 for w in wild],
            "p_normal": pl.Series([None] * len(ts), dtype=pl.Float64),
            "p_turbulent": [0.95 if w else 0.05 for w in wild],
            "regime": ["turbulent" if w else "calm" for w in wild],
        }
    )


def _log(desk):
    return desk.tables.read("risk_log", SOL, FEBRUARY)


def test_every_change_of_a_month_is_logged_with_reasons_and_payload(own_desk):
    _lay_forecasts(own_desk, 0.55)
    regimes = _regimes({100})
    own_desk.tables.publish("regimes", SOL, FEBRUARY, regimes, code_version="1", parents={})
    made = risk_factor_month(own_desk, SOL, FEBRUARY)
    rows = _log(own_desk)
    assert rows.columns == list(RISK_LOG_COLUMNS)
    assert made.metadata["without"] == "forecast_calibration"
    assert set(made.parents) == {
        "bars_5m/SOLUSDT/2024-01",
        "bars_5m/SOLUSDT/2024-02",
        "forecasts/SOLUSDT/2024-02",
        "regimes/SOLUSDT/2024-02",
        "risk_factor/settings",
    }
    assert made.metadata["low_confidence share"] == 1.0
    assert rows["risk_factor"][0] == 0.8
    # The turbulent hour, number 100, closes at 101:00: bars that close from then on know it.
    wild = rows.filter(pl.col("reasons").str.contains("turbulent_regime"))
    start = rows["ts"][0] + timedelta(hours=101) - timedelta(minutes=5)
    assert wild["ts"][0] == start
    assert wild["risk_factor"].to_list() == [pytest.approx(0.48)] * wild.height
    after = rows.filter(pl.col("ts") > start)
    assert after["ts"][0] <= start + timedelta(hours=1)
    assert json.loads(wild["payload"][0]) == {
        "risk_factor": pytest.approx(0.48),
        "reasons": ["low_confidence", "turbulent_regime"],
        "timestamp": "2024-02-05T05:00:00Z",
        "asset": "SOLUSDT",
        "purpose": "research",
    }
    same = (rows["risk_factor"].diff() == 0) & (rows["reasons"] == rows["reasons"].shift())
    assert not same.any()
    assert not risk_factor_month(own_desk, SOL, FEBRUARY).changed


def test_what_was_not_there_is_said_and_counts_for_nothing(own_desk):
    made = risk_factor_month(own_desk, SOL, FEBRUARY)
    assert made.metadata["without"] == "forecasts, forecast_calibration, regimes"
    rows = _log(own_desk)
    assert rows["confidence"].null_count() == rows.height
    assert set(rows["reasons"]) <= {"", "high_volatility"}
    _lay_forecasts(own_desk, 0.55)
    assert risk_factor_month(own_desk, SOL, FEBRUARY).changed
    assert _log(own_desk)["risk_factor"][0] == 0.8


def _lay_calibration(desk, **least):
    rows = pl.DataFrame({"horizon": list(least), "least": pl.Series(list(least.values()))})
    rows = rows.cast({"least": pl.Float64})
    desk.tables.publish("forecast_calibration", SOL, FEBRUARY, rows, code_version="1", parents={})


def test_a_calibration_that_is_off_makes_it_smaller(own_desk):
    _lay_forecasts(own_desk, 0.9)
    _lay_calibration(own_desk, **{"1h": 0.05, "4h": 0.4})
    fine = risk_factor_month(own_desk, SOL, FEBRUARY)
    assert "miscalibrated share" not in fine.metadata
    _lay_calibration(own_desk, **{"1h": 0.06, "4h": 0.4})
    off = risk_factor_month(own_desk, SOL, FEBRUARY)
    assert off.metadata["miscalibrated share"] == 1.0
    assert "forecast_calibration/SOLUSDT/2024-02" in off.parents
    assert {round(factor, 12) for factor in _log(own_desk)["risk_factor"]} <= {0.8, 0.48}
    assert _log(own_desk)["calibration_error"].unique().to_list() == [0.06]


@pytest.mark.parametrize("least", [{"1h": None}, {"4h": 0.4}])
def test_a_calibration_that_is_not_known_is_no_reason(own_desk, least):
    _lay_forecasts(own_desk, 0.9)
    _lay_calibration(own_desk, **least)
    risk_factor_month(own_desk, SOL, FEBRUARY)
    assert _log(own_desk)["calibration_error"].null_count() == _log(own_desk).height
    assert not _log(own_desk)["reasons"].str.contains("miscalibrated").any()


def test_thresholds_are_settings(tmp_path, make_desk_in, publish_bars):
    desk = make_desk_in(tmp_path, TA_RISK_FACTOR__MIN_CONFIDENCE="0.5")
    publish_bars(desk, SOL, FEBRUARY)
    _lay_forecasts(desk, 0.55)
    assert "low_confidence share" not in risk_factor_month(desk, SOL, FEBRUARY).metadata


def test_the_hole_that_is_bridged_is_a_setting_too(own_desk, tmp_path, make_desk_in):
    rows = own_desk.tables.read("bars_5m", SOL, FEBRUARY)
    holed = rows.filter(~pl.int_range(pl.len()).is_between(3000, 3020))
    own_desk.tables.publish("bars_5m", SOL, FEBRUARY, holed, code_version="2", parents={},
                            extra={"source": "embedded"})  # fmt: skip
    risk_factor_month(own_desk, SOL, FEBRUARY)
    bridging = make_desk_in(tmp_path, TA_BACKTEST__MAX_HOLE_MINUTES="600")
    assert risk_factor_month(bridging, SOL, FEBRUARY).changed


def test_later_bars_do_not_change_the_log_before_them(own_desk):
    risk_factor_month(own_desk, SOL, FEBRUARY)
    whole = _log(own_desk)
    bars = own_desk.tables.read("bars_5m", SOL, FEBRUARY).head(4000)
    own_desk.tables.publish("bars_5m", SOL, FEBRUARY, bars, code_version="2", parents={},
                            extra={"source": "embedded"})  # fmt: skip
    risk_factor_month(own_desk, SOL, FEBRUARY)
    assert _log(own_desk).equals(whole.filter(pl.col("ts") <= bars["ts"][-1]))


def test_missing_bars_are_named(own_desk):
    with pytest.raises(MissingPartition, match="bars_5m/SOLUSDT/2024-03"):
        risk_factor_month(own_desk, SOL, Month(2024, 3))


def test_a_regime_is_known_from_its_hours_close_and_for_an_hour():
    regimes = _regimes({1}).head(2)
    bars = pl.DataFrame({"ts": _times(FEBRUARY.start + np.arange(48) * 5 * MINUTE)})
    known = known_regimes(bars, regimes, timedelta(minutes=5))
    assert known.columns == ["ts", "p_calm", "p_normal", "p_turbulent", "regime"]
    assert known["regime"].to_list() == (
        [None] * 11 + ["calm"] * 12 + ["turbulent"] * 12 + [None] * 13
    )
    none = known_regimes(bars, None, timedelta(minutes=5))
    assert none.schema == known.schema
    assert none["regime"].null_count() == 48
