from decimal import Decimal

import pytest

from trading_assets.domain.errors import ConfigurationError, UnknownSymbol
from trading_assets.domain.ids import Symbol
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.order import OrderType, TrailBy
from trading_assets.domain.setup import (
    AccountProfile,
    Limits,
    RiskFactor,
    SignalFamily,
    SizingMode,
)
from trading_assets.strategies.spec import SHIPPED_SPECS, load_spec, load_specs, parse_spec

SOL = Instrument("SOLUSDT", "SOL", "USDT", Decimal("0.01"), Decimal("0.001"), Decimal(5))
BTC = Instrument("BTCUSDT", "BTC", "USDT", Decimal("0.01"), Decimal("0.00001"), Decimal(5))
DESK = (Symbol("BTCUSDT"), Symbol("SOLUSDT"))
MINIMAL = """
name: mine
strategy: inside_bar
symbols: [SOLUSDT]
cash: 10000
sizing: {mode: fixed, qty: 1}
"""


def spec(text=MINIMAL):
    return parse_spec(text, where="mine.yaml")


def problem(text):
    with pytest.raises(ConfigurationError) as caught:
        spec(text)
    return caught.value


def test_the_seed_variants_are_shipped_with_their_numbers():
    specs = load_specs([SHIPPED_SPECS], symbols=DESK)
    assert {"ib_fixed1", "ib_pos10pct", "ib_risk1", "ema_trend", "forecast_driven"} <= set(specs)
    setups = {n: specs[n].engine_setup([SOL]) for n in ("ib_fixed1", "ib_pos10pct", "ib_risk1")}
    for setup in setups.values():
        assert setup.account.cash == 10_000
        assert (setup.costs.maker_bps, setup.costs.taker_bps) == (2, 2)
        assert setup.costs.slippage_bps == 1
        assert setup.family is SignalFamily.BRACKET
    assert setups["ib_fixed1"].sizing.qty == 1
    assert setups["ib_pos10pct"].sizing.pos_pct == 10
    risk = setups["ib_risk1"].sizing
    assert (risk.mode, risk.risk_pct, risk.max_pos_pct, risk.min_qty) == (
        SizingMode.RISK,
        1,
        20,
        1,
    )


@pytest.mark.parametrize("name", ["ema_trend", "forecast_driven"])
def test_the_specs_for_spot_venues_need_market_orders_only(name):
    strategy = load_specs([SHIPPED_SPECS], symbols=DESK)[name].build_strategy()
    assert strategy.order_types == {OrderType.MARKET}


def test_an_unknown_key_names_file_key_expected_keys_and_the_nearest():
    error = problem(MINIMAL + "cots: {fees_bps: 2}\n")
    assert error.what == "mine.yaml: unknown key cots"
    assert "costs" in error.expected
    assert error.fix == "Did you mean costs?"
    error = problem(MINIMAL + "costs: {fee_bps: 2}\n")
    assert error.what == "mine.yaml: unknown key costs.fee_bps"
    assert "fees_bps" in error.expected
    assert error.fix == "Did you mean fees_bps?"


def test_an_unknown_key_is_named_before_a_missing_one():
    assert problem("nmae: x\n").what == "mine.yaml: unknown key nmae"


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (("name: mine", "name: Mine Own"), "mine.yaml: name"),
        (("name: mine\n", ""), "mine.yaml: key name is missing"),
        (("[SOLUSDT]", "[sol/usdt]"), "mine.yaml: symbols"),
        (("[SOLUSDT]", "[SOLUSDT, SOLUSDT]"), "mine.yaml: symbols"),
        (("[SOLUSDT]", "SOLUSDT"), "mine.yaml: symbols"),
        (("cash: 10000", "cash: -1"), "mine.yaml: cash"),
        (("cash: 10000", "cash: .inf"), "mine.yaml: cash"),
        (("cash: 10000", "cash: plenty"), "mine.yaml: cash"),
        (("mode: fixed", "mode: all_in"), "mine.yaml: sizing.mode"),
        (("qty: 1", "pos_pct: 1"), "mine.yaml: sizing"),
        (("qty: 1", "qty: 1, risk_pct: 1"), "mine.yaml: sizing"),
        (("cash: 10000", "cash: 10000\ncash: 1"), "mine.yaml: key stands twice"),
        (
            ("cash: 10000", "cash: 1\ncosts: {fees_bps: 2, maker_bps: 1}"),
            "mine.yaml: costs",
        ),
        (("cash: 10000", "cash: 1\nbar_size: 7m"), "mine.yaml: bar_size"),
        (("cash: 10000", "cash: 1\nparams: {tik: 1}"), "mine.yaml: params.tik is not"),
        (("name: mine", "name: [unclosed"), "mine.yaml is not YAML"),
        ((MINIMAL, "- a\n- b"), "mine.yaml is not a spec"),
        ((MINIMAL, "!!python/object:os.system x"), "mine.yaml is not YAML"),
    ],
)
def test_a_wrong_value_names_its_place(change, what):
    assert problem(MINIMAL.replace(*change)).what.startswith(what)


def test_the_hash_is_of_the_meaning_not_of_the_spelling():
    base = spec().spec_hash
    assert spec(MINIMAL + "description: for people\n").spec_hash == base
    assert spec(MINIMAL.replace("10000", "10000.0")).spec_hash == base
    assert spec(MINIMAL + "params: {tick: 0.01}\n").spec_hash == base
    assert spec(MINIMAL + "params: {reward_risk: 3}\n").spec_hash != base
    assert spec(MINIMAL.replace("qty: 1", "qty: 2")).spec_hash != base
    assert spec(MINIMAL.replace("name: mine", "name: other")).spec_hash != base


def test_later_keys_leave_the_hash_of_older_specs_alone():
    base = spec().spec_hash
    assert base == "711efda6f444507d268edacadf0938339efb4df29624932b3f426596f03c0f5f"
    assert spec(MINIMAL + "rules: {participation_pct: 0}\n").spec_hash == base
    assert spec(MINIMAL + "rules: {participation_pct: 5}\n").spec_hash != base
    assert spec(MINIMAL + "costs: {impact_bps: 1}\n").spec_hash != base
    assert spec(MINIMAL + "limits: {max_gross_pct: 0}\n").spec_hash == base
    assert spec(MINIMAL + "limits: {max_gross_pct: 5}\n").spec_hash != base
    assert spec(MINIMAL + "margin: {leverage: 0}\n").spec_hash == base
    assert spec(MINIMAL + "margin: {leverage: 2}\n").spec_hash != base
    assert spec(MINIMAL + "risk_factor: {}\n").spec_hash != base


def test_sizes_and_risk_factor_reach_the_engine():
    sizing = "mode: kelly, win_rate_pct: 55, payoff: 1.5, kelly_min_trips: 30"
    text = MINIMAL.replace("mode: fixed, qty: 1", sizing) + "risk_factor: {min_confidence: 0.7}\n"
    made = spec(text)
    setup = made.engine_setup([SOL])
    assert setup.sizing.mode is SizingMode.KELLY
    assert (setup.sizing.payoff, setup.sizing.kelly_min_trips) == (Decimal("1.5"), 30)
    assert setup.risk_factor == RiskFactor(min_confidence=Decimal("0.7"))
    again = parse_spec(made.canonical_yaml(), where="again")
    assert again.spec_hash == made.spec_hash


@pytest.mark.parametrize(
    ("sizing", "said"),
    [
        ("mode: atr", "risk_pct above 0"),
        ("mode: fixed, qty: 1, atr_bars: 9", "no atr_bars, which belongs to mode atr"),
        ("mode: kelly, win_rate_pct: 50", "payoff above 0"),
        ("mode: risk_parity, pos_pct: 5, target_vol_pct: 1", "belongs to mode vol_target"),
    ],
)
def test_a_sizing_says_what_its_mode_reads(sizing, said):
    found = problem(MINIMAL.replace("mode: fixed, qty: 1", sizing))
    assert said in f"{found.what} {found.expected} {found.found}"


def test_limits_and_margin_reach_the_engine():
    text = (
        MINIMAL
        + "profile: margin\nmargin: {leverage: 3, maintenance_pct: 20.5}\n"
        + "limits: {max_gross_pct: 200, max_net_pct: 150, max_leverage: 2.5,\n"
        + "  max_symbol_notional: 9000, max_orders_per_minute: 4, moc_guard_minutes: 15}\n"
    )
    setup = spec(text).engine_setup([SOL])
    assert (setup.account.leverage, setup.account.maintenance_pct) == (3, Decimal("20.5"))
    assert setup.limits == Limits(
        max_gross_pct=Decimal(200), max_net_pct=Decimal(150), max_leverage=Decimal("2.5"),
        max_symbol_notional=Decimal(9000), max_orders_per_minute=4, moc_guard_minutes=15,
    )  # fmt: skip


def test_costs_and_rules_reach_the_engine():
    text = (
        MINIMAL
        + """
profile: margin
costs: {fees_bps: 5, minimum_fee: 1, half_spread_bps: 2, impact_bps: 30, sqrt_impact: 0.5,
  swap_long_bps: 1, swap_short_bps: -0.5, borrow_bps: 2, per_fill: 0.35}
rules: {participation_pct: 10, trailing_stop: extreme}
"""
    )
    setup = spec(text).engine_setup([SOL])

    costs, rules = setup.costs, setup.rules
    assert (costs.minimum_fee, costs.half_spread_bps, costs.impact_bps) == (1, 2, 30)
    assert (costs.sqrt_impact, costs.swap_long_bps) == (Decimal("0.5"), 1)
    assert costs.per_fill == Decimal("0.35")
    assert (costs.swap_short_bps, costs.borrow_bps) == (Decimal("-0.5"), 2)
    assert (rules.participation_pct, rules.trailing_stop) == (10, TrailBy.EXTREME)


@pytest.mark.parametrize(
    ("key", "what"),
    [
        ("rules: {participation_pct: 101}", "mine.yaml: rules.participation_pct"),
        ("rules: {trailing_stop: high}", "mine.yaml: rules.trailing_stop"),
        ("costs: {borrow_bps: -1}", "mine.yaml: costs.borrow_bps"),
    ],
)
def test_a_cost_or_rule_out_of_range_names_its_place(key, what):
    assert problem(MINIMAL + key + "\n").what == what


def test_a_spec_whose_stops_trail_needs_an_order_type_more():
    plain, trails = spec(), spec(MINIMAL + "rules: {trailing_stop: close}\n")
    assert trails.order_types - plain.order_types == {OrderType.TRAILING_STOP}


def test_the_canonical_form_is_the_same_spec():
    for original in load_specs([SHIPPED_SPECS], symbols=DESK).values():
        again = parse_spec(original.canonical_yaml(), where="canonical")
        assert again.spec_hash == original.spec_hash
        assert again.canonical_yaml() == original.canonical_yaml()


def test_fees_may_differ_for_makers_and_takers():
    costs = spec(MINIMAL + "costs: {maker_bps: 1, taker_bps: 2.5}\n").costs
    assert (costs.maker, costs.taker) == (Decimal(1), Decimal("2.5"))


def test_the_setup_has_the_instruments_in_the_order_of_the_spec():
    both = spec(MINIMAL.replace("[SOLUSDT]", "[SOLUSDT, BTCUSDT]"))
    setup = both.engine_setup([BTC, SOL])
    assert [i.symbol for i in setup.instruments] == ["SOLUSDT", "BTCUSDT"]
    assert setup.account.profile is AccountProfile.SPOT_LONG_ONLY
    with pytest.raises(UnknownSymbol, match="BTCUSDT"):
        both.engine_setup([SOL])


def test_instruments_that_do_not_fit_are_refused():
    with pytest.raises(ConfigurationError, match=r"params\.tick"):
        spec(MINIMAL + "params: {tick: 0.05}\n").engine_setup([SOL])
    with pytest.raises(ConfigurationError, match="quoted"):
        spec(MINIMAL + "quote: EUR\n").engine_setup([SOL])
    with pytest.raises(ConfigurationError, match="short"):
        spec(MINIMAL + "params: {short: true}\n").engine_setup([SOL])
    margin = spec(MINIMAL + "params: {short: true}\nprofile: margin\n").engine_setup([SOL])
    assert margin.account.profile is AccountProfile.MARGIN


def test_a_users_folder_adds_specs_and_may_not_take_a_name(tmp_path):
    (tmp_path / "mine.yaml").write_text(MINIMAL)
    assert "mine" in load_specs([SHIPPED_SPECS, tmp_path], symbols=DESK)
    (tmp_path / "twin.yml").write_text(MINIMAL)
    with pytest.raises(ConfigurationError, match="name is taken"):
        load_specs([SHIPPED_SPECS, tmp_path], symbols=DESK)


def test_a_missing_folder_or_file_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match="nowhere"):
        load_specs([tmp_path / "nowhere"])
    with pytest.raises(ConfigurationError, match="nowhere"):
        load_spec(tmp_path / "nowhere.yaml")


def test_all_stands_for_the_symbols_of_the_desk():
    text = MINIMAL.replace("[SOLUSDT]", "all")
    assert parse_spec(text, where="mine.yaml", symbols=DESK).symbols == DESK
    error = problem(text)
    assert error.what == "mine.yaml: symbols"
    assert "all" in error.expected
