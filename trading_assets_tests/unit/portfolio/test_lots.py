"""FIFO lots."""

from decimal import Decimal

import pytest

from trading_assets.domain.errors import RecoveryError
from trading_assets.domain.setup import Costs, FeeAsset
from trading_assets.engine import kernel, ledger
from trading_assets.engine.machine import Machine
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


def test_a_queue_grows_with_its_position_and_nothing_is_compiled_for_it(trade):
    few = trade((2, 50.0), (-2, 60.0))
    known = len(ledger._CHOSEN), len(kernel.advance.overloads)
    buys = [(1, 100.0 + i) for i in range(300)]

    machine = trade((2, 50.0), (-2, 60.0), *buys, (-300, 500.0))

    assert trips(machine) == trips(few) + [(1, 1, 100.0 + i, 500.0) for i in range(300)]
    assert (len(ledger._CHOSEN), len(kernel.advance.overloads)) == known


def test_what_a_queue_has_room_for_is_no_part_of_the_state(trade):
    buys = [(1, 100.0 + i) for i in range(100)]
    machine = trade(*buys, (-60, 300.0))
    again = Machine.restore(machine.setup, machine.snapshot())

    assert machine._state.queues.room == 256
    assert again._state.queues.room == 64
    assert again.snapshot() == machine.snapshot()
    assert again.positions() == machine.positions()
    assert again.positions()[0].average_price == sum(100.0 + i for i in range(60, 100)) / 40


def test_a_snapshot_holds_every_lot_of_a_long_queue(trade):
    machine = trade(*[(1, 100.0 + i) for i in range(200)])

    again = Machine.restore(machine.setup, machine.snapshot())

    assert again._state.lots_of(0).tolist() == machine._state.lots_of(0).tolist()
    assert len(again._state.lots_of(0)) == 200
    with pytest.raises(RecoveryError, match="cut off"):
        Machine.restore(machine.setup, machine.snapshot()[:-48])
