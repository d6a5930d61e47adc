"""Codes and their names."""

from trading_assets.domain.order import OrderStatus
from trading_assets.records import codes
from trading_assets.records.codes import Leg, OrderState, Verdict


def test_every_leg_has_a_reason():
    assert {leg.reason for leg in Leg} >= {"signal", "stop", "target", "expiry", "segment_end"}


def test_every_state_has_a_status():
    assert OrderState.WORKING.status is OrderStatus.ACCEPTED
    assert OrderState.EXPIRED.status is OrderStatus.EXPIRED
    assert OrderState.DORMANT.status is OrderState.TRIGGERED.status is OrderStatus.ACCEPTED
    assert OrderState.PARTIALLY_FILLED.status is OrderStatus.PARTIALLY_FILLED


def test_refusals_are_the_verdicts_of_a_rule():
    calm = {verdict for verdict in Verdict if not verdict.is_refusal}

    assert {verdict.name for verdict in calm} == {
        "ACCEPTED",
        "NO_SIGNAL",
        "NO_CHANGE",
        "IN_POSITION",
        "ENTRY_WORKING",
    }
    assert max(Verdict) < codes.N_VERDICTS


def test_flags_do_not_share_bits():
    names = [
        "REDUCE_ONLY", "DORMANT", "TRIGGERED", "WOKEN", "RESTING", "AT_VENUE", "CANCEL_WANTED",
        "SIZE_AT_FILL", "ENTRY", "DEAD", "TRIGGERED_INSIDE",
        "WATCHED", "BY_EXTREME",
    ]  # fmt: skip
    flags = [getattr(codes, name) for name in names]

    assert sum(flags) == 2 ** len(flags) - 1
