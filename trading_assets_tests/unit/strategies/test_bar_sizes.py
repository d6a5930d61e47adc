"""Bar sizes other than five minutes: what counts bars counts those of the spec's own size."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import ClassVar, get_args

import polars as pl
import pytest
import yaml

from trading_assets.backtest.space import require_keys, space_of
from trading_assets.domain.bar import Timeframe
from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.order import OrderType
from trading_assets.domain.setup import SignalFamily
from trading_assets.strategies.asked import AskedStrategy
from trading_assets.strategies.columns import TargetStrategy
from trading_assets.strategies.evaluate import evaluate
from trading_assets.strategies.portfolio_spec import parse_any
from trading_assets.strategies.protocol import BASE_BAR, memory
from trading_assets.strategies.spec import parse_spec
from trading_assets.strategies.spec_sections import BarSize

HOUR = timedelta(hours=1)
KEYS = {
    "name": "trend",
    "strategy": "ema_trend",
    "params": {"fast": 3, "slow": 9},
    "symbols": ["SOLUSDT"],
    "cash": 10000,
    "sizing": {"mode": "pct_of_equity", "pos_pct": 50, "rebalance_pct": 10},
    "costs": {"fees_bps": 2.0, "slippage_bps": 1.0},
}
VOLATILITY = {"mode": "vol_target", "target_vol_pct": 20}
SOL = Instrument("SOLUSDT", "SOL", "USDT", Decimal("0.01"), Decimal("0.001"), Decimal(5))

COUNTING = {
    "ema_trend": {"fast": 3, "slow": 9},
    "channel_breakout": {"entry_bars": 12, "exit_bars": 6},
    "mean_reversion": {"bars": 12, "entry_z": 1.0},
    "marubozu_breakout": {"bars": 6, "body_pct": 60, "min_range_bps": 1, "range_ratio": 1},
    "inside_bar_breakout": {"min_range_bps": 1, "life_bars": 9},
}
FILTERS = {
    "volume": {"bars": 6, "min_ratio": 1},
    "roc": {"bars": 3, "min_pct": -5},
    "confirmation": {"bars": 4, "closes": 2},
}


def spec(**keys):
    return parse_spec(yaml.safe_dump({**KEYS, **keys}), where="mine.yaml")


def slowed(frame, times):
    """Give the same prices at a slower clock: a step of five minutes lasts `times` as long."""
    first = frame["ts"][0]
    return frame.with_columns(ts=first + (pl.col("ts") - first) * times)


def test_the_sizes_of_a_spec_are_all_that_there_are():
    assert get_args(BarSize) == tuple(size.value for size in Timeframe)


def test_an_unknown_size_is_refused_with_the_list():
    with pytest.raises(ConfigurationError) as caught:
        spec(bar_size="2h")
    assert "bar_size" in caught.value.what
    assert all(repr(size.value) in caught.value.expected for size in Timeframe)
    assert "2h" in caught.value.found


def test_a_spec_of_five_minutes_has_the_hash_that_it_always_had():
    known = "8a9beb36d643bd107626a7193758a8b1e0e727c5cc99eb31cf7d3d809ab3b076"
    assert spec().spec_hash == known
    assert spec(bar_size="5m").spec_hash == known
    assert len({spec(bar_size=size.value).spec_hash for size in Timeframe}) == len(Timeframe)


@pytest.mark.parametrize("size", list(Timeframe), ids=lambda size: size.value)
@pytest.mark.parametrize("name", COUNTING)
def test_warm_up_is_as_many_bars_of_its_own_size(name, size):
    keys = {"strategy": name, "params": COUNTING[name]}
    usual = memory(spec(**keys).build_strategy())
    strategy = spec(**keys, bar_size=size.value).build_strategy()
    length = timedelta(microseconds=size.micros)
    assert usual >= BASE_BAR
    assert memory(strategy) / length == usual / BASE_BAR


def test_windows_of_filters_are_of_bars_of_its_own_size():
    filters = {"volume": {"bars": 400}}
    assert memory(spec(filters=filters, bar_size="1h").build_strategy()) == 400 * HOUR
    assert memory(spec(filters=filters).build_strategy()) == 400 * BASE_BAR


@pytest.mark.parametrize("filters", [{}, FILTERS], ids=["alone", "filtered"])
@pytest.mark.parametrize("name", COUNTING)
def test_the_same_prices_at_a_slower_clock_give_the_same_signals(name, filters, make_bars):
    keys = {"strategy": name, "params": COUNTING[name], "filters": filters}
    holes = pl.int_range(pl.len()).is_in([300, 301, 512])
    frame = make_bars(900, step_bps=40).filter(~holes)
    hourly = slowed(frame, 12)

    quick = evaluate(spec(**keys).build_strategy(), frame)
    slow = evaluate(spec(**keys, bar_size="1h").build_strategy(), hourly)

    values = [name for name in quick.columns if name not in ("ts", "valid_to")]
    assert any(quick[name].drop_nulls().len() > 5 for name in values)
    assert slow.select(values).equals(quick.select(values))
    if "valid_to" in quick.columns:
        ends = [
            (s["valid_to"] - s["ts"].cast(pl.Int64)).drop_nulls().unique().to_list()
            for s in (quick, slow)
        ]
        assert ends[1] == [12 * end for end in ends[0]]


def test_a_setup_within_the_day_ends_with_the_last_bar_of_its_size(make_bars):
    frame = slowed(make_bars(900, step_bps=40), 12)
    keys = {"strategy": "inside_bar", "params": {"min_range_bps": 1}}
    signals = evaluate(spec(**keys, bar_size="1h").build_strategy(), frame)
    setups = signals.filter(pl.col("valid_to").is_not_null())
    last_bars = pl.col("ts").dt.truncate("1d").dt.offset_by("23h").cast(pl.Int64)
    assert setups.height > 5
    assert setups.select((pl.col("valid_to") == last_bars).all()).item()


def test_a_setup_within_the_day_has_no_daily_bars():
    with pytest.raises(ConfigurationError, match="bar_size"):
        spec(strategy="inside_bar", params={}, bar_size="1d")


@dataclass(frozen=True)
class FiveMinutes(TargetStrategy):
    """Counts its bars as strategies did when there was one size."""

    bars: int = 24

    name: ClassVar[str] = "five_minutes"

    @property
    def warm_up(self):
        return self.bars * timedelta(minutes=5)

    def signals(self, frame):
        rising = pl.col("close") > pl.col("close").shift(self.bars)
        return frame.select("ts", target=rising.cast(pl.Float64))


@dataclass(frozen=True)
class Bare:
    """The protocol and nothing else."""

    name: ClassVar[str] = "bare"
    family: ClassVar[SignalFamily] = SignalFamily.TARGET
    horizon: ClassVar[str | None] = None
    order_types: ClassVar[frozenset] = frozenset({OrderType.MARKET})
    warm_up: ClassVar[timedelta] = timedelta(hours=1)

    def signals(self, frame):
        return frame.select("ts", target=pl.lit(1.0))


class Undecorated(AskedStrategy):
    """No dataclass of its own."""


def own(cls, **keys):
    return spec(strategy=f"{__name__}:{cls.__name__}", params={}, **keys)


def test_a_strategy_that_counts_five_minutes_gets_as_many_bars_of_its_own():
    assert memory(own(FiveMinutes).build_strategy()) == timedelta(hours=2)
    assert memory(own(FiveMinutes, bar_size="1h").build_strategy()) == timedelta(hours=24)
    # Of smaller bars it gets the time that it asked for: it may have meant it.
    assert memory(own(FiveMinutes, bar_size="1m").build_strategy()) == timedelta(hours=2)


def test_a_strategy_that_cannot_be_told_its_size_trades_five_minutes_only():
    assert memory(own(Bare).build_strategy()) == HOUR
    with pytest.raises(ConfigurationError, match="five minutes only") as caught:
        own(Bare, bar_size="1h")
    assert "TargetStrategy" in caught.value.fix


def test_a_base_does_not_make_a_dataclass_of_what_derives_from_it():
    with pytest.raises(ConfigurationError, match="is not a strategy"):
        own(Undecorated)


def test_the_size_is_a_key_of_the_spec_and_no_parameter():
    with pytest.raises(ConfigurationError, match=r"params\.bar_size is not a parameter"):
        spec(params={"bar_size": 3600})
    one = spec()
    kind, space = type(one.build_strategy()), space_of({"bar_size": [1, 2]})
    with pytest.raises(ConfigurationError, match="is no key of spec"):
        require_keys(one, kind, space)
    assert "bar_size" not in spec(bar_size="1h").all_params()


@pytest.mark.parametrize(
    ("size", "bars"),
    [("1m", 525_600), ("5m", 105_120), ("15m", 35_040), ("1h", 8_760), ("1d", 365)],
)
def test_a_year_has_as_many_bars_as_their_size_makes(size, bars):
    one = spec(bar_size=size, sizing=VOLATILITY)
    again = parse_spec(one.canonical_yaml(), where="again")
    for each in (one, again):
        assert each.engine_setup([SOL]).strategies[0].sizing.bars_per_year == bars
    assert again.spec_hash == one.spec_hash


def test_a_year_that_is_said_stays_as_it_is_said():
    said = [spec(bar_size="1d", sizing={**VOLATILITY, "bars_per_year": n}) for n in (252, 105_120)]
    assert [one.sizing.bars_per_year for one in said] == [252, 105_120]
    unsaid = spec(bar_size="1d", sizing=VOLATILITY)
    assert len({one.spec_hash for one in (*said, unsaid)}) == 3


def test_sizing_by_volatility_keeps_its_hash_on_five_minutes():
    known = "7ac7a1a16c701ea29c1c714b4a6e83b7234b898f7dfbae0e678810b991063a24"
    assert spec(sizing=VOLATILITY).spec_hash == known
    assert spec(sizing={**VOLATILITY, "bars_per_year": 105_120}).spec_hash == known


def test_members_of_a_portfolio_have_bars_of_one_size():
    def portfolio(*sizes):
        members = [
            {"spec": {**KEYS, "name": f"m{n}", "bar_size": size}, "allocation_pct": 40}
            for n, size in enumerate(sizes)
        ]
        keys = {"name": "both", "cash": 10_000, "members": members}
        return parse_any(yaml.safe_dump(keys), where="both.yaml", find=None)

    assert portfolio("1h", "1h").timeframe is Timeframe.H1
    with pytest.raises(ConfigurationError) as caught:
        portfolio("1h", "5m")
    assert "one size" in caught.value.expected
    assert "m0: 1h, m1: 5m" in caught.value.expected
