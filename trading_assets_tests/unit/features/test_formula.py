"""Formulas: read, never run; causal and warm by their text."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.domain.bar import Timeframe
from trading_assets.domain.errors import ConfigurationError
from trading_assets.features.feature_set import FeatureSet
from trading_assets.features.formula import COLUMNS, FUNCTIONS, feature_from_formula
from trading_assets.features.indicators import ema_warm_up, log_return, ratio, realised_volatility
from trading_assets.features.look_ahead import differing_rows, find_look_ahead


def _feature(formula):
    return feature_from_formula("x", formula, Timeframe.M5)


def _set_of(formula):
    return FeatureSet("own", 1, Timeframe.M5, (_feature(formula),))


def test_a_formula_gives_the_bits_of_the_expression_it_stands_for(make_bars):
    bars = make_bars(days=3)
    written = bars.select(
        _feature("ratio(log_return(close, 12), realised_volatility(close, 288))").column
    ).to_series()
    close = pl.col("close")
    meant = ratio(log_return(close, 12), realised_volatility(close, 288), otherwise=0.0)
    by_hand = bars.select(meant).to_series()
    assert not differing_rows(written[288:], by_hand[288:]).any()
    assert written[:288].null_count() == 288
    assert bars.select(_feature("-(high - low) / 2 + n_trades").column).item(5, 0) == (
        -(bars["high"][5] - bars["low"][5]) / 2 + bars["n_trades"][5]
    )


@pytest.mark.parametrize(
    ("formula", "rows"),
    [
        ("close - open", 0),
        ("lag(close, 3)", 3),
        ("sma(close, 12)", 11),
        ("sma(log_return(close, 1), 12)", 12),
        ("ema(close, 12) - sma(close, 500)", 499),
        ("change(ema(close, 24), 12)", 12 + ema_warm_up(24)),
        ("macd(close, 12, 4)", ema_warm_up(12)),
    ],
)
def test_the_warm_up_follows_from_the_text(formula, rows):
    assert _feature(formula).warm_up_bars == rows


@pytest.mark.parametrize(
    "formula",
    [
        "__import__('os').system('true')",
        "close.shift(-1)",
        "lag(close, -1)",
        "lag(close, 0)",
        "lag(close, 2.0)",
        "lag(close, True)",
        "lag(close, n_trades)",
        "lag(close)",
        "lag(close, n=3)",
        "lag(*[close, 3])",
        "close if open else high",
        "[close][0]",
        "(lambda: close)()",
        "close ** 9",
        "'close'",
        "prediction",
        "label",
        "1 + 2",
        "",
        "close +",
        "sma(close, 99999999)",
        "ratio(total(volume, 12), total(1, 12))",
        "close * 9e999",
        "close + 1" + "0" * 400,
        "(" * 300 + "close" + ")" * 300,
    ],
)
def test_what_is_no_formula_is_refused_with_its_place(formula):
    with pytest.raises(ConfigurationError, match=r"\[feature_sets.own\] x has no formula"):
        feature_from_formula("x", formula, Timeframe.M5, where="[feature_sets.own]")


def _arguments(below):
    def call(name, parts, lengths):
        function = FUNCTIONS[name]
        chosen = [*parts[: function.series], *map(str, lengths[: function.windows])]
        return f"{name}({', '.join(chosen)})"

    return st.builds(
        call,
        st.sampled_from(sorted(FUNCTIONS)),
        st.tuples(below, below, below),
        st.tuples(st.integers(2, 9), st.integers(2, 9)),
    )


_FORMULAS = st.recursive(
    st.sampled_from(COLUMNS),
    lambda below: st.one_of(
        _arguments(below), st.builds("({} {} {})".format, below, st.sampled_from("+-*/"), below)
    ),
    max_leaves=6,
)


@settings(max_examples=40, deadline=None)
@given(formula=_FORMULAS)
def test_no_formula_can_look_ahead(make_bars, formula):
    assert find_look_ahead(_set_of(formula).compute, make_bars(days=2), seed=1) == ()


def test_the_code_version_follows_window_and_version_of_polars_but_no_words(monkeypatch):
    first = _set_of("sma(close, 12)").code_version
    assert _set_of("sma( close,12 )").code_version == first
    assert _set_of("sma(close, 13)").code_version != first
    monkeypatch.setattr("trading_assets.features.feature_set.installed_version", lambda _: "0.0.1")
    assert _set_of("sma(close, 12)").code_version != first
