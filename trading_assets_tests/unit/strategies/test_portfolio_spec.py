"""The YAML file that puts several strategies on one account."""

from decimal import Decimal

import pytest

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import symbol_from_text
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.order import OrderType, TrailBy
from trading_assets.domain.setup import AccountProfile
from trading_assets.strategies.portfolio_spec import PortfolioSpec, load_any, parse_any
from trading_assets.strategies.spec import SHIPPED_SPECS, StrategySpec, load_spec, load_specs

SOL = Instrument(symbol_from_text("SOLUSDT"), "SOL", "USDT", Decimal("0.01"), Decimal("0.001"))
BTC = Instrument(symbol_from_text("BTCUSDT"), "BTC", "USDT", Decimal("0.01"), Decimal("0.001"))
TEXT = """
name: both
members:
  - spec: ema_trend
    allocation_pct: 60
  - spec:
      name: breaks
      strategy: inside_bar
      symbols: [SOLUSDT]
      params: {short: true}
      sizing: {mode: risk, risk_pct: 1}
      rules: {trailing_stop: close}
    allocation_pct: 40.0
cash: 10000
profile: margin
margin: {leverage: 3}
costs: {fees_bps: 2}
limits: {max_position_pct: 50}
rules: {participation_pct: 10}
"""


def find(name):
    return load_spec(SHIPPED_SPECS / f"{name}.yaml", symbols=("SOLUSDT", "BTCUSDT"))


def read(text=TEXT):
    return parse_any(text, where="both.yaml", find=find, symbols=("SOLUSDT", "BTCUSDT"))


def test_members_trade_with_the_account_s_cash_costs_limits_and_rules():
    spec = read()

    trend, breaks = spec.parts

    assert isinstance(spec, PortfolioSpec)
    assert (trend.name, trend.cash, trend.costs.taker, trend.profile) == (
        "ema_trend", 10_000, 2, "margin",
    )  # fmt: skip
    assert trend.sizing.pos_pct == 30
    assert breaks.limits.max_position_pct == 50
    assert (breaks.rules.participation_pct, breaks.rules.trailing_stop) == (10, "close")
    assert trend.rules.trailing_stop == "nothing"
    assert spec.symbols == ("SOLUSDT", "BTCUSDT")


def test_the_engine_gets_one_strategy_per_member_and_one_account():
    setup = read().engine_setup([BTC, SOL])

    assert (setup.account.profile, setup.account.leverage) == (AccountProfile.MARGIN, 3)
    assert [(s.tag, s.allocation_pct, len(s.instruments)) for s in setup.strategies] == [
        ("ema_trend", 60, 2),
        ("breaks", 40, 1),
    ]
    assert [s.rules.trailing_stop for s in setup.strategies] == [TrailBy.NOTHING, TrailBy.CLOSE]
    assert (setup.costs.taker_bps, setup.limits.max_position_pct) == (2, 50)


def test_it_needs_the_order_types_of_all_its_members():
    assert OrderType.TRAILING_STOP in read().order_types
    assert OrderType.MARKET in read().order_types


def test_writing_and_reading_gives_an_equal_portfolio():
    spec = read()

    again = parse_any(spec.canonical_yaml(), where="again", find=find)

    assert again.spec_hash == spec.spec_hash
    assert again.canonical_yaml() == spec.canonical_yaml()


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ("allocation_pct: 60", "allocation_pct: 60.0", False),
        ("name: both", "name: both\ndescription: of two", False),
        ("allocation_pct: 60", "allocation_pct: 61", True),
        ("fees_bps: 2", "fees_bps: 3", True),
        ("risk_pct: 1", "risk_pct: 2", True),
        ("cash: 10000", "cash: 20000", True),
    ],
)
def test_the_hash_is_of_everything_but_words(old, new, changes):
    assert (read(TEXT.replace(old, new)).spec_hash != read().spec_hash) is changes


def test_a_file_without_members_is_a_strategy_spec():
    assert isinstance(load_any(SHIPPED_SPECS / "ib_risk1.yaml", find=find), StrategySpec)


def test_a_member_may_be_a_file_beside_the_portfolio(tmp_path):
    (tmp_path / "one.yaml").write_bytes((SHIPPED_SPECS / "ib_risk1.yaml").read_bytes())
    text = "name: p\nmembers: [{spec: one.yaml, allocation_pct: 50}]\ncash: 5\nprofile: margin\n"
    (tmp_path / "p.yaml").write_text(text)

    spec = load_any(tmp_path / "p.yaml", find=find)

    assert [member.spec.name for member in spec.members] == ["ib_risk1"]


def test_a_portfolio_is_no_strategy_spec_of_its_folder(tmp_path):
    (tmp_path / "p.yaml").write_text(TEXT)

    assert load_specs([tmp_path]) == {}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("profile: margin\nmargin: {leverage: 3}", "", "sells short"),
        ("allocation_pct: 60", "allocation_pct: 0", "allocation_pct"),
        ("allocation_pct: 60", "share: 60", "unknown key members.0.share"),
        ("name: breaks", "name: ema_trend", "names of their own"),
        ("rules: {participation_pct: 10}", "rules: {trailing_stop: close}", "of its own"),
        ("spec: ema_trend", "spec: 7", "a name, a path, or keys"),
        ("strategy: inside_bar", "strategy: inside_baar", "inside_bar"),
        ("cash: 10000", "", "cash"),
        ("limits:", "limit:", "Did you mean limits"),
    ],
)
def test_a_portfolio_that_cannot_be_is_refused_by_key(old, new, message):
    with pytest.raises(ConfigurationError, match=message):
        read(TEXT.replace(old, new)).engine_setup([BTC, SOL])


def test_a_spot_account_is_not_allocated_twice():
    text = TEXT.replace("profile: margin\nmargin: {leverage: 3}", "").replace(": 60", ": 61")

    with pytest.raises(ConfigurationError, match="at most 100 together on a spot account, not 101"):
        read(text)
