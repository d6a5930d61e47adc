"""What fills cost: spread, impact, least fees."""

from decimal import Decimal

import numpy as np
import pytest

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.order import OrderSide, OrderType
from trading_assets.domain.setup import (
    Account,
    AccountProfile,
    Costs,
    FeeAsset,
    FillRules,
    Sizing,
    SizingMode,
)

BUY, SELL = OrderSide.BUY, OrderSide.SELL
MARKET, LIMIT = OrderType.MARKET, OrderType.LIMIT


def bar(price=100.0, volume=10.0):
    return (price, price + 1, price - 1, price, volume)


def one_fill(market, side, costs, *, lots=1000, bars=(), kind=MARKET, **options):
    """Fill one order at the open of a bar of volume 10; give the row."""
    prices = {k: options.pop(k) for k in ("limit_ticks",) if k in options}
    rows = [*(bars or [bar()]), bar()]
    desk = market(rows, margin=True, costs=costs, **options)
    machine = desk.machine(len(rows) - 1)
    machine.submit(0, side, kind, lots, **prices)
    desk.then(machine, len(rows) - 1)
    return machine.fills[-1]


@pytest.mark.parametrize("side", [BUY, SELL])
def test_half_the_spread_and_the_share_of_volume_worsen_a_taker(market, side):
    """ADR-010: mid, half a spread, and an impact in proportion to the share of the volume."""
    costs = Costs(half_spread_bps=Decimal(2), impact_bps=Decimal(50))

    fill = one_fill(market, side, costs, lots=2000)  # 2 of a volume of 10

    assert fill["price"] == 100.0 * (1.0 + side * (0.0002 + 0.005 * 0.2))


def test_the_share_is_at_most_the_whole_bar(market):
    costs = Costs(impact_bps=Decimal(50))

    assert one_fill(market, BUY, costs, lots=40_000)["price"] == 100.0 * 1.005
    assert one_fill(market, BUY, costs, bars=[bar(), bar()], lots=1)["price"] < 100.001


def test_a_bar_without_volume_counts_as_moved_whole(market):
    desk = market([bar(), bar(100, 0.0)], margin=True, costs=Costs(impact_bps=Decimal(50)))
    machine = desk.machine(1)
    machine.submit(0, BUY, MARKET, 1)

    desk.then(machine, 1)

    assert machine.fills["price"].tolist() == [100.0 * 1.005]


def test_the_square_root_law_looks_at_past_bars_only(market):
    """Two past bars: one move of 1 %, a mean volume of 20. The bar of the fill plays no part."""
    costs = Costs(sqrt_impact=Decimal("0.5"))
    past = [bar(100, 10.0), bar(101, 30.0)]

    fill = one_fill(market, BUY, costs, bars=past, lots=5000)

    sigma = np.sqrt((101.0 / 100.0 - 1.0) ** 2)
    assert fill["price"] == pytest.approx(100.0 * (1 + 0.5 * sigma * np.sqrt(5 / 20)), rel=1e-15)


def test_the_averages_forget(market):
    """After many bars the weight of the newest stays at 2 / 101."""
    costs = Costs(sqrt_impact=Decimal(1))
    rows = [bar(100, 10.0)] * 300 + [bar(100, 111.0)]
    machine = market(rows, margin=True, costs=costs).machine()

    assert machine._state.books[0]["past_volume"] == pytest.approx(10 + 101 * 2 / 101)
    assert machine._state.books[0]["past_variance"] == 0.0


def test_before_there_is_a_volatility_there_is_no_impact_of_this_kind(market):
    assert one_fill(market, BUY, Costs(sqrt_impact=Decimal(1)))["price"] == 100.0


def test_impact_takes_at_most_half_of_a_price(market):
    costs = Costs(sqrt_impact=Decimal(10_000))

    fill = one_fill(market, SELL, costs, bars=[bar(100), bar(150)], lots=9000)

    assert fill["price"] == 50.0


def test_a_limit_is_never_filled_beyond_itself(market):
    costs = Costs(half_spread_bps=Decimal(100))

    fill = one_fill(market, BUY, costs, kind=LIMIT, limit_ticks=10_050)

    assert fill["price"] == 100.5


def test_the_least_fee_is_that_of_the_order_not_of_its_parts(market):
    """0.4 + 0.4 + 0.4 at a rate of 40 bps: the least fee of 1 first, then what exceeds it."""
    costs = Costs(taker_bps=Decimal(40), minimum_fee=Decimal(1))
    rules = FillRules(participation_pct=Decimal(10))
    desk = market([bar()] * 4, margin=True, costs=costs, rules=rules)
    machine = desk.machine(1)
    machine.submit(0, BUY, MARKET, 3000)

    desk.then(machine, 1)

    assert machine.fills["fee"].tolist() == [100_000_000, 0, 20_000_000]
    assert machine.fees == Decimal("1.2")


def test_a_small_order_pays_the_least_fee(market):
    costs = Costs(per_share=Decimal("0.005"), minimum_fee=Decimal(1))

    assert one_fill(market, BUY, costs)["fee"] == 10**8
    assert one_fill(market, BUY, costs, lots=300_000)["fee"] == 150_000_000


def test_a_fee_per_fill_comes_on_top_of_what_grows_with_the_size(market):
    """2 and 10 bps of 100 and 0.005 a share: for each of three parts, on either side."""
    costs = Costs(taker_bps=Decimal(10), per_share=Decimal("0.005"), per_fill=Decimal(2))
    rules = FillRules(participation_pct=Decimal(10))
    desk = market([bar()] * 4, margin=True, costs=costs, rules=rules)
    machine = desk.machine(1)
    machine.submit(0, BUY, MARKET, 2500)

    desk.then(machine, 1)

    assert machine.fills["fee"].tolist() == [210_500_000, 210_500_000, 205_250_000]
    assert one_fill(market, SELL, costs)["fee"] == 210_500_000


def test_a_least_fee_is_that_of_all_fees_of_an_order(market):
    costs = Costs(per_fill=Decimal("0.4"), minimum_fee=Decimal(1))
    desk = market(
        [bar()] * 5, margin=True, costs=costs, rules=FillRules(participation_pct=Decimal(10))
    )
    machine = desk.machine(1)
    machine.submit(0, BUY, MARKET, 4000)

    desk.then(machine, 1)

    assert machine.fills["fee"].tolist() == [10**8, 0, 20_000_000, 40_000_000]


@pytest.mark.parametrize("leverage", [0, 1])
def test_a_computed_size_leaves_the_fee_of_its_fill(market, changed, leverage):
    """1000 at 100 with a fee of 2, on spot and on margin: 9.98, and nothing is refused."""
    desk = market(
        [bar()] * 3, signals={0: {"target": 1.0}}, cash="1000", costs=Costs(per_fill=Decimal(2)),
        sizing=Sizing(SizingMode.PCT_OF_EQUITY, pos_pct=Decimal(100)),
    )  # fmt: skip
    if leverage:
        account = Account("USDT", Decimal(1000), AccountProfile.MARGIN, Decimal(leverage))
        desk.setup = changed(desk.setup, account=account)
    machine = desk.machine()

    assert machine.refusals == {}
    assert machine.fills["lots"].tolist() == [9980]
    assert machine.balances()["USDT"] == 0


def test_a_least_fee_never_makes_a_spot_account_owe(market):
    costs = Costs(minimum_fee=Decimal(60))
    desk = market([bar(), bar(), bar(10)], cash="161", costs=costs)
    machine = desk.machine(1)
    machine.submit(0, BUY, MARKET, 1000)
    desk.then(machine, 1, 2)
    machine.submit(0, SELL, MARKET, 1000, reduce_only=True)

    desk.then(machine, 2)

    assert machine.fills["cash"].tolist() == [10**8, 0]
    assert machine.balances()["USDT"] == 0


def test_what_can_be_afforded_knows_spread_impact_and_least_fee(market):
    costs = Costs(
        taker_bps=Decimal(10), half_spread_bps=Decimal(5), impact_bps=Decimal(100),
        minimum_fee=Decimal(2),
    )  # fmt: skip
    desk = market(
        [bar(100, 1e6)] * 4, signals={0: {"target": 1.0}}, costs=costs,
        rules=FillRules(participation_pct=Decimal(10)),
        sizing=Sizing(SizingMode.PCT_OF_EQUITY, pos_pct=Decimal(100)),
    )  # fmt: skip

    machine = desk.machine()

    assert machine.refusals == {}
    assert len(machine.fills) == 1
    assert 0 < machine.balances()["USDT"] < 15


@pytest.mark.parametrize(
    ("costs", "margin", "message"),
    [
        (Costs(minimum_fee=Decimal(1), fee_asset=FeeAsset.RECEIVED), False, "of the quote asset"),
        (Costs(per_share=Decimal(1), fee_asset=FeeAsset.RECEIVED), False, "of the quote asset"),
        (Costs(per_fill=Decimal(1), fee_asset=FeeAsset.RECEIVED), False, "of the quote asset"),
        (Costs(per_fill=Decimal(-1)), True, "per_fill"),
        (Costs(swap_long_bps=Decimal(1)), False, "need a margin account"),
        (Costs(borrow_bps=Decimal(-1)), True, "borrow"),
        (Costs(swap_short_bps=Decimal("NaN")), True, "swap_short"),
        (Costs(impact_bps=Decimal(5001)), True, "half of a price"),
        (Costs(sqrt_impact=Decimal(-1)), True, "sqrt_impact"),
    ],
)
def test_costs_that_cannot_be_are_refused(market, costs, margin, message):
    with pytest.raises(ConfigurationError, match=message):
        market([bar()], margin=margin, costs=costs).machine()
