"""Costs that were put into fills come out again, within the intervals that are claimed."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from scipy.stats import t as student

from trading_assets.domain.errors import DataError
from trading_assets.evaluation.cost_estimation import (
    EstimationTerms,
    Line,
    estimate_line,
    estimate_mean,
    paid_bps,
)

TERMS = EstimationTerms(min_fills=50, min_days=10, confidence=0.99)
HALF_SPREAD, IMPACT, DAYS = 1.0, 80.0, 20


def fills(seed: int, number: int = 200) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw fills with heavy tails, days that are dear together, and a few absurd ones."""
    dice = np.random.default_rng(seed)
    days = np.sort(dice.integers(0, DAYS, number))
    share = dice.uniform(0.0, 0.1, number)
    noise = 3.0 * dice.standard_t(3, number) + dice.normal(0.0, 0.5, DAYS)[days]
    noise[dice.random(number) < 0.02] += dice.choice([-500.0, 500.0])
    return HALF_SPREAD + IMPACT * share + noise, share, days


def test_known_costs_lie_in_their_intervals_as_often_as_is_claimed() -> None:
    lines = [estimate_line(*fills(seed), TERMS) for seed in range(40)]
    narrow = student.ppf(0.9, DAYS - 1)  # of an interval of 80 %
    for name, true in (("half_spread", HALF_SPREAD), ("impact", IMPACT)):
        found = [getattr(line, name) for line in lines]
        assert sum(one.low <= true <= one.high for one in found) >= 38  # of 40 at 99 %
        inside = sum(abs(one.estimate - true) <= narrow * one.error for one in found)
        assert 26 <= inside <= 39  # 32 expected: neither too narrow nor of no use
    assert np.mean([line.impact.estimate for line in lines if line.impact]) == pytest.approx(
        IMPACT, rel=0.05
    )


def test_absurd_fills_move_the_mean_and_not_the_line() -> None:
    worse, share, days = fills(1)
    clean = estimate_line(worse, share, days, TERMS)
    worse[::20] += 2_000.0
    line = estimate_line(worse, share, days, TERMS)
    assert line.mean_bps is not None
    assert line.tail_bps is not None
    assert line.half_spread is not None
    assert clean.half_spread is not None
    assert line.mean_bps > 90.0
    assert line.tail_bps > 90.0
    assert abs(line.half_spread.estimate - clean.half_spread.estimate) < 2.0
    assert line.outliers >= 10


def test_an_absurd_fill_among_equal_ones_moves_no_mean() -> None:
    """Most fills at the touched price: their median absolute deviation is 0."""
    worse, days = np.zeros(200), np.arange(200) % DAYS
    worse[160:199] = np.linspace(0.5, 1.5, 39)
    true = worse.mean()
    worse[199] = 10_000.0
    found = estimate_mean(worse, days, TERMS)
    line = estimate_line(worse, np.full_like(worse, 0.02), days, TERMS)

    assert found is not None
    assert found.estimate == pytest.approx(true, abs=0.02)
    assert found.low <= true <= found.high < 2 * true
    assert line.half_spread == found
    assert line.outliers == 1
    assert line.tail_bps == pytest.approx(50.0, abs=0.1)


def test_fills_of_one_day_are_not_taken_for_independent() -> None:
    dice = np.random.default_rng(3)
    days = np.repeat(np.arange(12), 100)
    worse = dice.normal(0.0, 5.0, 12)[days] + dice.normal(0.0, 0.1, 1200)
    found = estimate_mean(worse, days, TERMS)
    assert found is not None
    assert found.error > 0.8  # 5 / sqrt(12) is 1.4; taken one by one they say 0.14


def test_too_few_fills_or_days_say_so_and_no_number() -> None:
    worse, share, days = fills(5)
    for some in (slice(0, 0), slice(0, 1), slice(0, 49)):
        line = estimate_line(worse[some], share[some], days[some], TERMS)
        assert (line.half_spread, line.impact, line.used) == (None, None, None)
        assert "at least 50 on 10 are needed" in line.reason
    one_day = estimate_line(worse, share, np.zeros_like(days), TERMS)
    assert one_day.reason.startswith("200 orders on 1 days")


def test_one_share_of_the_volume_tells_no_impact() -> None:
    worse, _, days = fills(6)
    line = estimate_line(worse, np.full(len(worse), 0.02), days, TERMS)
    assert line.half_spread is not None
    assert line.impact is None
    assert "same share" in line.impact_reason
    assert line.used is not None
    assert line.used[1] is None


def test_fills_without_noise_are_told_to_the_bit() -> None:
    _, share, days = fills(7)
    exact = estimate_line(2.0 + 30.0 * share, share, days, TERMS)
    assert exact.half_spread is not None
    assert exact.impact is not None
    assert exact.half_spread.estimate == pytest.approx(2.0)
    assert exact.impact.estimate == pytest.approx(30.0)
    assert exact.impact.error == pytest.approx(0.0, abs=1e-6)
    constant = estimate_line(np.full_like(share, 2.5), share, days, TERMS)
    assert constant.used == (pytest.approx(2.5), pytest.approx(0.0))


@pytest.mark.parametrize(
    ("half_spread", "slope", "used"),
    [(-5.0, 100.0, (0.0, None)), (5.0, -20.0, (None, 0.0)), (-1.0, -1.0, (0.0, 0.0))],
)
def test_an_engine_is_never_given_a_cost_below_zero(
    half_spread: float, slope: float, used: tuple[float | None, float | None]
) -> None:
    dice = np.random.default_rng(8)
    share, days = dice.uniform(0.0, 0.1, 400), np.arange(400) % DAYS
    worse = half_spread + slope * share + dice.normal(0.0, 0.2, 400)
    line = estimate_line(worse, share, days, TERMS)
    assert line.used is not None
    for part, expected in zip(line.used, used, strict=True):
        assert part is not None
        assert part >= 0.0
        assert part == expected or expected is None
    assert line.half_spread is not None
    assert line.half_spread.estimate == pytest.approx(half_spread, abs=0.2)  # itself as it is


def test_the_same_fills_in_another_order_say_the_same() -> None:
    worse, share, days = fills(9)
    order = np.random.default_rng(0).permutation(len(worse))
    one = estimate_line(worse, share, days, TERMS)
    other = estimate_line(worse[order], share[order], days[order], TERMS)
    assert one == estimate_line(worse, share, days, TERMS)
    assert _numbers(one) == pytest.approx(_numbers(other), rel=1e-6)


def test_a_fill_without_a_number_is_refused() -> None:
    worse, share, days = fills(10)
    with pytest.raises(DataError, match="without a number"):
        estimate_line(worse, np.where(share > 0.05, np.nan, share), days, TERMS)
    with pytest.raises(DataError, match="different numbers"):
        estimate_line(worse, share[1:], days, TERMS)


def test_fees_are_what_was_paid_of_what_was_traded() -> None:
    fees = [(Decimal("0.30"), Decimal(1000)), (Decimal("0.10"), Decimal(1000))]
    assert paid_bps(fees) == Decimal(2)
    assert paid_bps([]) is None


def _numbers(line: Line) -> list[float]:
    assert line.half_spread is not None
    assert line.impact is not None
    return [*line.half_spread, *line.impact]
