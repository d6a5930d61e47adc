"""What matters to models over months: shares, their order, and a picture."""

import pytest

from trading_assets.domain.ids import Month
from trading_assets.forecasting.pictures import importance_picture
from trading_assets.workflows.feature_importance import stability

MARCH, APRIL = Month(2024, 3), Month(2024, 4)


def test_the_same_order_is_stable_and_the_opposite_is_not():
    up, down = {"a": 0.5, "b": 0.3, "c": 0.2}, {"a": 0.2, "b": 0.3, "c": 0.5}
    assert stability({MARCH: up}) is None
    assert stability({MARCH: up, APRIL: up}) == pytest.approx(1.0)
    assert stability({MARCH: up, APRIL: down}) == pytest.approx(-1.0)
    assert stability({MARCH: up, APRIL: dict.fromkeys(up, 0.0)}) is None


def test_the_picture_is_the_same_for_the_same_shares():
    shares = {"2024-03": {"a": 0.5, "b": 0.5}, "2024-04": {"a": 0.9, "c": 0.1}}
    png = importance_picture(shares)
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert importance_picture(shares) == png
    assert importance_picture({"2024-04": shares["2024-04"]}) != png
