"""Executions, booked."""

from decimal import Decimal

from trading_assets.domain.setup import Costs, FeeAsset


def test_cash_and_inventory_move_against_each_other(trade):
    machine = trade((1500, 100.0), (-500, 104.0))

    assert machine.balances() == {"USDT": Decimal(100_000 - 150 + 52), "AAA": Decimal(1)}


def test_a_fee_in_quote_is_taken_from_cash(trade):
    machine = trade((1000, 100.0), costs=Costs(taker_bps=Decimal(10)))

    assert machine.balances() == {"USDT": Decimal("99899.9"), "AAA": Decimal(1)}
    assert machine.fees == Decimal("0.1")


def test_a_fee_in_the_received_asset_is_taken_from_what_arrives(trade):
    costs = Costs(taker_bps=Decimal(10), fee_asset=FeeAsset.RECEIVED)

    machine = trade((1000, 100.0), (-999, 100.0), costs=costs, spot=True)

    assert machine.fills["fee_in_base"].tolist() == [1, 0]
    assert machine.fills["fee"].tolist() == [100_000, 9_990_000]
    assert machine.balances()["AAA"] == 0
    assert machine.fees == Decimal("0.1") + Decimal("0.0999")


def test_the_point_value_multiplies_the_notional(trade):
    machine = trade((1000, 100.0), (-1000, 101.0), point_value="50")

    assert machine.realised_pnl == 50
    assert machine.fills["notional"].tolist() == [5_000 * 10**8, 5_050 * 10**8]


def test_each_fill_says_what_is_held_after_it(trade):
    machine = trade((1000, 100.0), (-400, 100.0))

    assert machine.fills["position"].tolist() == [1000, 600]
    assert machine.fills["cash"].tolist() == [99_900 * 10**8, 99_940 * 10**8]
    assert machine.fills["id"].tolist() == [1, 2]
