import sys
import types
from dataclasses import dataclass

import pytest

from trading_assets.domain.errors import ConfigurationError
from trading_assets.strategies.ema_trend import EmaTrend
from trading_assets.strategies.protocol import Strategy
from trading_assets.strategies.registry import make_strategy, registry, strategy_class


def test_every_shipped_strategy_is_found_by_its_name_and_has_the_protocol():
    for name, make in registry().items():
        strategy = make()
        assert strategy.name == name
        assert isinstance(strategy, Strategy)


def test_users_strategies_are_found_by_import_path(monkeypatch):
    module = types.ModuleType("my_strategies")
    module.Mine = EmaTrend
    monkeypatch.setitem(sys.modules, "my_strategies", module)
    assert make_strategy("my_strategies:Mine", {"fast": 3}) == EmaTrend(fast=3)


def test_unknown_names_name_the_file_and_the_nearest_match():
    with pytest.raises(ConfigurationError) as caught:
        make_strategy("ema_trnd", {}, where="a.yaml")
    assert "a.yaml" in caught.value.what
    assert "ema_trend" in caught.value.fix


def test_unknown_parameters_name_the_key_and_the_nearest_match():
    with pytest.raises(ConfigurationError) as caught:
        make_strategy("ema_trend", {"fsat": 3}, where="a.yaml")
    assert caught.value.what == "a.yaml: params.fsat is not a parameter of ema_trend"
    assert caught.value.fix == "Did you mean fast?"


def test_parameters_are_converted_to_their_type_or_refused():
    assert make_strategy("ema_trend", {"band_bps": 3}).band_bps == 3.0
    with pytest.raises(ConfigurationError, match=r"a\.yaml: params\.fast"):
        make_strategy("ema_trend", {"fast": "quick"}, where="a.yaml")
    with pytest.raises(ConfigurationError, match=r"a\.yaml: params of ema_trend: fast"):
        make_strategy("ema_trend", {"fast": 100}, where="a.yaml")


@pytest.mark.parametrize("reference", ["no.such.module:X", "math:NoSuch", "math:pi", ":X", "a:"])
def test_import_paths_that_lead_nowhere_are_refused(reference):
    with pytest.raises(ConfigurationError):
        strategy_class(reference)


def test_a_class_that_is_no_frozen_dataclass_or_no_strategy_is_refused(monkeypatch):
    @dataclass
    class Loose:
        n: int = 1

    @dataclass(frozen=True)
    class Needy:
        n: int

    module = types.ModuleType("my_strategies")
    module.Loose, module.Needy = Loose, Needy
    monkeypatch.setitem(sys.modules, "my_strategies", module)
    with pytest.raises(ConfigurationError, match="not a strategy"):
        make_strategy("my_strategies:Loose", {})
    with pytest.raises(ConfigurationError, match="incomplete"):
        make_strategy("my_strategies:Needy", {})
    with pytest.raises(ConfigurationError, match="not a strategy"):
        make_strategy("my_strategies:Needy", {"n": 1})
