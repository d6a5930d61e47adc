"""Which limits of one release let more pass than those of another."""

from decimal import Decimal

import pytest

from trading_assets.domain.setup import Limits

TIGHT = Limits(
    max_order_notional=Decimal(100),
    max_orders_per_day=5,
    daily_loss_bps=Decimal(50),
    moc_guard_minutes=10,
    max_var_pct=Decimal(2),
)


@pytest.mark.parametrize(
    ("changes", "wider"),
    [
        ({}, ()),
        ({"max_order_notional": Decimal(99), "max_gross_pct": Decimal(1)}, ()),
        ({"max_order_notional": Decimal("100.1")}, ("max_order_notional",)),
        ({"max_orders_per_day": 0}, ("max_orders_per_day",)),
        ({"daily_loss_bps": Decimal(0)}, ("daily_loss_bps",)),
        ({"moc_guard_minutes": 9}, ("moc_guard_minutes",)),
        ({"var_half_life_days": 10}, ("var_confidence_pct, var_half_life_days",)),
        ({"max_var_pct": Decimal(3)}, ("max_var_pct",)),
    ],
)
def test_the_limits_that_are_wider_are_named(changes, wider):
    values = {name: getattr(TIGHT, name) for name in Limits.__dataclass_fields__}
    assert Limits(**{**values, **changes}).wider_than(TIGHT) == wider


def test_nothing_is_wider_than_no_limit():
    assert TIGHT.wider_than(Limits()) == ()
    assert set(Limits().wider_than(TIGHT)) >= {"max_order_notional", "max_var_pct"}
