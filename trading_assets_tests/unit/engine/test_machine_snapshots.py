"""The machine as bytes: restored equal, and refused when they are another's or damaged."""

from decimal import Decimal

import pytest

from trading_assets.domain.errors import RecoveryError
from trading_assets.domain.setup import Sizing, SizingMode
from trading_assets.engine.machine import Machine

FLAT = (100.0, 100.0, 100.0, 100.0)


def test_a_snapshot_restores_to_the_same_bytes(market):
    desk = market([FLAT] * 3, signals={0: {"target": 1.0}})
    machine = desk.machine(2)

    again = Machine.restore(desk.setup, machine.snapshot())

    assert again.state_hash() == machine.state_hash()
    assert again.positions() == machine.positions()
    assert again.active_orders() == machine.active_orders()


def test_a_snapshot_of_another_setup_is_refused(market):
    sizing = Sizing(SizingMode.FIXED, qty=Decimal(2))
    blob = market([FLAT]).machine().snapshot()

    with pytest.raises(RecoveryError, match="another setup"):
        Machine.restore(market([FLAT], sizing=sizing).setup, blob)


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b"x" + b[1:], lambda b: b""])
def test_a_damaged_snapshot_is_refused(market, damage):
    desk = market([FLAT])

    with pytest.raises(RecoveryError):
        Machine.restore(desk.setup, damage(desk.machine().snapshot()))


@pytest.mark.parametrize(
    ("at", "damage", "message"),
    [
        (0, b"TAENGIN1", "another version of the engine's record"),
        (16, b"\x00" * 32, "other fields than this version's record"),
    ],
)
def test_a_snapshot_of_another_layout_is_refused_and_never_misread(market, at, damage, message):
    desk = market([FLAT])
    blob = desk.machine().snapshot()

    with pytest.raises(RecoveryError, match=message):
        Machine.restore(desk.setup, blob[:at] + damage + blob[at + len(damage) :])


def test_every_state_has_its_own_hash(market):
    desk = market([FLAT] * 3, signals={0: {"target": 1.0}})

    hashes = {desk.machine(stop).state_hash() for stop in range(4)}

    assert len(hashes) == 4
