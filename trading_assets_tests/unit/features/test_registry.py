"""Every set that there is: named, warm when it says so, causal; and the user's own."""

import pytest

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Month
from trading_assets.features.anchor import anchor
from trading_assets.features.look_ahead import find_look_ahead
from trading_assets.features.registry import SHIPPED, feature_sets
from trading_assets.features.warm_up import find_short_warm_up
from trading_assets.forecasting.sample import SCALE
from trading_assets.settings import load_settings

_OWN = """
[feature_sets.mine]
version = 3
[feature_sets.mine.features]
volatility_1d = "realised_volatility(close, 288)"
trend = { formula = "log_return(close, 24)", bars = "1h", reference = "my notes" }
"""


def declared(tmp_path, toml):
    (tmp_path / "trading_assets.toml").write_text(toml)
    return load_settings({"TA_HOME": str(tmp_path)}).settings.feature_sets


@pytest.mark.parametrize("features", SHIPPED.values(), ids=SHIPPED)
class TestShipped:
    def test_every_column_says_what_it_is_and_where_it_comes_from(self, features):
        assert all(one.formula and one.reference for one in features.features)
        assert SCALE in features.columns

    def test_every_column_has_values_and_none_knows_the_future(self, make_bars, features):
        bars = make_bars(days=12)
        rows = features.compute(bars).tail(288)
        assert rows.null_count().sum_horizontal().item() == 0
        assert all(
            rows[name].is_finite().all() and rows[name].n_unique() > 2 for name in rows.columns[2:]
        )
        assert find_look_ahead(features.compute, bars, seed=2) == ()

    def test_twice_the_warm_up_changes_nothing(self, make_bars, features):
        month = Month(2024, 3)
        bars = make_bars(start=anchor(month, 2 * features.warm_up), days=20)
        found = find_short_warm_up(
            features.compute, bars, start=month.start, warm_up=features.warm_up
        )
        assert found == ()


def test_names_of_sets_and_tables_are_their_own():
    assert len({one.table for one in SHIPPED.values()}) == len(SHIPPED)
    assert SHIPPED["core"].table == "features_5m"


def test_a_declared_set_stands_beside_the_shipped_ones(tmp_path, make_bars):
    sets = feature_sets(declared(tmp_path, _OWN))
    assert list(sets) == [*SHIPPED, "mine"]
    mine = sets["mine"]
    assert (mine.version, mine.table, mine.columns) == (
        3,
        "features_5m_mine",
        ("volatility_1d", "trend"),
    )
    assert mine.features[1].reference == "my notes"
    assert mine.compute(make_bars(days=4)).null_count().row(0) == (0, 0, 288, 24 * 12 + 11)


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        (_OWN.replace("mine", "core"), "core is shipped"),
        (_OWN.replace("log_return(close, 24)", "lead(close, 1)"), r"feature_sets\.mine\] trend"),
        (_OWN.replace("version = 3", "version = 0"), "feature_sets.mine.version"),
        (_OWN.replace("trend =", "Trend ="), "feature_sets.mine.features"),
        (_OWN.replace("[feature_sets.mine]", "[feature_sets.mine]\nbars = 3"), "bars"),
        (_OWN.replace("trend =", "ts ="), "colliding columns"),
        (_OWN.replace("mine", '"no/name"'), "feature_sets"),
    ],
)
def test_a_wrong_set_is_refused_by_name(tmp_path, toml, words):
    with pytest.raises(ConfigurationError, match=words):
        feature_sets(declared(tmp_path, toml))


def test_a_column_may_have_any_name_that_is_one(tmp_path, make_bars):
    """`closed` was once the name of what bars of two sizes are joined on."""
    own = (
        "[feature_sets.mine]\nversion = 1\n[feature_sets.mine.features]\n"
        'closed = "close - open"\ntrend = { formula = "log_return(close, 2)", bars = "1h" }\n'
    )
    mine = feature_sets(declared(tmp_path, own))["mine"]
    bars = make_bars(days=1)
    assert mine.compute(bars)["closed"].to_list() == (bars["close"] - bars["open"]).to_list()
