"""Every metric has a definition, and every definition a metric."""

import pytest

from trading_assets.evaluation.glossary import GLOSSARY, duration_text, metric_text
from trading_assets.evaluation.summary import SHOWN


def test_the_metrics_that_people_see_first_have_definitions():
    assert set(SHOWN) <= set(GLOSSARY)
    assert all(term.label and term.meaning.endswith(".") for term in GLOSSARY.values())


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("net_pnl", -1234.5, "-1,234.50 USDT"),
        ("net_return_pct", 3.14159, "3.14 %"),
        ("num_trades", 1234, "1,234"),
        ("win_rate", 0.625, "62.5%"),
        ("sharpe", None, "-"),
        ("max_drawdown_days", 3, "3 d"),
        ("avg_holding_minutes", 150.0, "2.5 h"),
    ],
)
def test_values_are_written_with_their_units(name, value, text):
    assert metric_text(name, value, "USDT") == text


def test_durations_are_said_as_people_say_them():
    assert [duration_text(m) for m in (5, 89, 180, 7200)] == ["5 min", "89 min", "3.0 h", "5.0 d"]
