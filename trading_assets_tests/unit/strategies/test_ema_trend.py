import polars as pl
import pytest

from trading_assets.domain.errors import ConfigurationError
from trading_assets.strategies.ema_trend import EmaTrend


def ema(values, span):
    """The textbook recursion, in plain Python."""
    alpha, out = 2 / (span + 1), [values[0]]
    for value in values[1:]:
        out.append(alpha * value + (1 - alpha) * out[-1])
    return out


def test_target_follows_the_sign_of_the_difference_of_the_averages(make_bars):
    bars = make_bars(500)
    closes = bars["close"].to_list()
    fast, slow = ema(closes, 5), ema(closes, 20)
    expected = [
        None if f == s else (0.8 if f > s else 0.0) for f, s in zip(fast, slow, strict=True)
    ]
    assert EmaTrend(fast=5, slow=20, weight=0.8).signals(bars)["target"].to_list() == expected


def test_inside_the_band_there_is_no_opinion(make_bars):
    bars = make_bars(500)
    wide = EmaTrend(fast=5, slow=20, band_bps=20).signals(bars)["target"]
    narrow = EmaTrend(fast=5, slow=20).signals(bars)["target"]
    assert wide.null_count() > 50
    agree = pl.DataFrame({"wide": wide, "narrow": narrow}).drop_nulls()
    assert (agree["wide"] == agree["narrow"]).all()


def test_falling_trends_are_sold_short_only_when_allowed(make_bars):
    bars = make_bars(300)
    assert EmaTrend(fast=5, slow=20).signals(bars)["target"].min() == 0.0
    assert EmaTrend(fast=5, slow=20, short=True).signals(bars)["target"].min() == -1.0


def test_the_start_is_forgotten_after_the_warm_up(make_bars):
    strategy = EmaTrend(fast=5, slow=20)
    bars = make_bars(1200)
    warm = int(strategy.warm_up.total_seconds() // 300)
    late = strategy.signals(bars.slice(600 - warm)).slice(warm)
    early = strategy.signals(bars).slice(600)
    assert late.equals(early)


@pytest.mark.parametrize(
    "params", [{"fast": 50}, {"fast": 0}, {"slow": 9000}, {"weight": 1.5}, {"band_bps": -1}]
)
def test_parameters_without_meaning_are_refused(params):
    with pytest.raises(ConfigurationError, match=next(iter(params))):
        EmaTrend(**params)
