"""FIFO lots."""

from decimal import Decimal

import pytest

from trading_assets.domain.setup import Costs, FeeAsset
from trading_assets.portfolio import lots


def trips(machine):
    return [
        (
            int(t["side"]),
            int(t["units"]) // 100_000,
            float(t["entry_price"]),
            float(t["exit_price"]),
        )
        for t in machine.round_trips
    ]


def test_the_oldest_lot_goes_first(trade):
    machine = trade((3, 100.0), (2, 110.0), (-4, 120.0))

    assert trips(machine) == [(1, 3, 100.0, 120.0), (1, 1, 110.0, 120.0)]
    assert machine.positions()[0].average_price == 110.0


def test_a_sell_beyond_the_position_turns_it_around(trade):
    machine = trade((3, 100.0), (-5, 110.0), (2, 90.0))

    assert trips(machine) == [(1, 3, 100.0, 110.0), (-1, 2, 110.0, 90.0)]
    assert machine.positions()[0].lots == 0
    assert machine.realised_pnl == Decimal("0.003") * 10 + Decimal("0.002") * 20


def test_fees_of_both_sides_belong_to_the_round_trip(trade):
    machine = trade((1000, 100.0), (-1000, 110.0), costs=Costs(taker_bps=Decimal(10)))

    (trip,) = machine.round_trips
    assert trip["fees"] == 21_000_000
    assert trip["pnl"] == 979_000_000


def test_a_lot_sold_in_parts_gives_back_exactly_its_cost(trade):
    machine = trade((7, 99.99), (-1, 101.01), (-2, 101.03), (-4, 98.77),
                    costs=Costs(taker_bps=Decimal("7.5")), lot="0.00000001")  # fmt: skip

    assert machine.round_trips["cost"].sum() == machine.fills["notional"][0]
    assert machine.round_trips["proceeds"].sum() == machine.fills["notional"][1:].sum()
    assert machine.round_trips["fees"].sum() == machine.fills["fee"].sum()


@pytest.mark.parametrize(("total", "part", "whole"), [(10, 3, 3), (10**15 + 1, 7, 7), (0, 1, 2)])
def test_a_share_of_the_whole_is_the_whole(total, part, whole):
    assert lots.share.py_func(total, part, whole) == (total if part == whole else 0)


def test_dust_joins_the_next_lot_and_is_sold_when_it_makes_a_whole_one(trade):
    costs = Costs(taker_bps=Decimal(4000), fee_asset=FeeAsset.RECEIVED)  # 0.6 of a lot arrives

    machine = trade((2, 100.0), (-1, 100.0), (3, 100.0), (-2, 100.0), costs=costs, spot=True)

    assert len(machine.round_trips) == 2  # none for the dust of 0.2 that waited in between
    assert machine.round_trips["units"].tolist() == [100_000, 200_000]
    assert machine.positions()[0].lots == 0
    assert machine.positions()[0].dust == 0


def test_more_lots_than_the_state_has_room_for_make_it_grow(trade):
    small = trade(*[(1, 100.0)] * 20)

    assert small.positions()[0].lots == 20
    assert small.snapshot()[12:16] == (64).to_bytes(4, "little")


@pytest.mark.slow
def test_a_grown_state_keeps_every_lot(trade):
    buys = [(1, 100.0 + i) for i in range(70)]

    machine = trade((2, 50.0), (-2, 60.0), *buys, (-70, 200.0))

    assert trips(machine)[1:] == [(1, 1, 100.0 + i, 200.0) for i in range(70)]
    assert machine.snapshot()[12:16] == (256).to_bytes(4, "little")
