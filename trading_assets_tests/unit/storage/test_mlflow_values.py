import math

import pytest

from trading_assets.domain.errors import ConfigurationError, DataError
from trading_assets.storage.mlflow_values import (
    absolute_uri,
    as_texts,
    shortened,
    split_metrics,
    thinned,
    unquoted,
    valid_key,
)


def test_only_a_database_at_an_absolute_path_is_accepted():
    assert absolute_uri("sqlite:////data/mlflow.db") == "sqlite:////data/mlflow.db"
    for uri in ("file:///data", "./mlruns", "sqlite:///mlflow.db", "http://127.0.0.1:5000"):
        with pytest.raises(ConfigurationError, match="sqlite:////absolute"):
            absolute_uri(uri)


def test_metrics_are_parted_into_what_can_be_drawn_and_what_cannot():
    finite, odd = split_metrics({"a": 1, "b": math.inf, "c": -math.inf, "d": math.nan, "e": None})
    assert finite == {"a": 1.0}
    assert odd == {"metric.b": "inf", "metric.c": "-inf", "metric.d": "nan", "metric.e": "none"}


def test_a_curve_is_thinned_and_keeps_its_ends():
    short = [(i, float(i)) for i in range(300)]
    assert thinned(short) == short
    long = [(i, float(i)) for i in range(12_345)]
    kept = thinned(long)
    assert len(kept) == 300
    assert (kept[0], kept[-1]) == (long[0], long[-1])
    assert kept == sorted(set(kept))
    assert thinned([(0, math.nan), (1, 2.0), (2, math.inf)]) == [(1, 2.0)]


def test_values_are_written_plainly_and_cuts_are_shown():
    assert shortened("text") == "text"
    assert shortened([1, "a"]) == '[1, "a"]'
    assert shortened("x" * 501) == "x" * 499 + "…"
    assert len(shortened("x" * 500)) == 500
    assert valid_key("oos.r2 (1h): §") == "oos.r2 _1h__ _"
    assert as_texts({"seed": 7, "dirty?": True}) == {"seed": "7", "dirty_": "True"}


def test_quotes_cannot_enter_a_filter():
    assert unquoted("m-1_a.b/c") == "m-1_a.b/c"
    for text in ("a'b", 'a"b', "a`b", "a\\b"):
        with pytest.raises(DataError, match="quotes"):
            unquoted(text)
