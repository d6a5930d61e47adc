import json
import re
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from trading_assets.evaluation.in_and_out import (
    TriedTwice,
    chosen_in_sample,
    rank_correlation_of,
    scatter_png,
    tried_twice,
)
from trading_assets.evaluation.sweep_report import parallel_figure, scatter_figure, sweep_page

_FIRST = datetime(2024, 1, 1, tzinfo=UTC)


def trials(*pairs):
    return tuple(
        TriedTwice(number, {"fast": 6 * (number % 3 + 1), "side": "both"}, before, after)
        for number, (before, after) in enumerate(pairs)
    )


def test_both_parts_are_measured_on_their_own_days():
    draw = np.random.default_rng(3).normal(0.001, 0.01, (9, 2))
    draw[6:, 0] = -draw[6:, 0]
    days = [_FIRST + timedelta(days=i) for i in range(9)]
    returns = pl.DataFrame({"day": days, "0": draw[:, 0], "2": draw[:, 1]})
    table = pl.DataFrame({"trial": [0, 1, 2], "fast": [6, 12, 24]})
    start = int((_FIRST + timedelta(days=6)).timestamp()) * 1_000_000
    found = tried_twice(table, returns, ["fast"], start=start, per_year=365)
    assert [(t.trial, dict(t.params)) for t in found] == [(0, {"fast": 6}), (2, {"fast": 24})]

    def sharpe(values):
        return values.mean() / values.std(ddof=1) * np.sqrt(365)

    assert found[0].before == pytest.approx(sharpe(draw[:6, 0]))
    assert found[0].after == pytest.approx(sharpe(draw[6:, 0]))
    everything_is_out = tried_twice(table, returns, ["fast"], start=0, per_year=365)
    assert [trial.before for trial in everything_is_out] == [None, None]


def test_the_rank_correlation_is_spearman():
    stats = pytest.importorskip("scipy.stats")
    pairs = [(1.0, 0.2), (2.0, 0.1), (2.0, 0.9), (0.5, -1.0), (3.0, 0.3)]
    expected = stats.spearmanr(*zip(*pairs, strict=True)).statistic
    assert rank_correlation_of(trials(*pairs)) == pytest.approx(expected)
    assert rank_correlation_of(trials(*pairs, (None, 1.0))) == pytest.approx(expected)
    assert rank_correlation_of(trials((1, 2), (2, 3))) is None
    assert rank_correlation_of(trials((1, 2), (1, 3), (1, 4))) is None


def test_who_sees_the_first_part_takes_its_best():
    found = trials((1.0, 5.0), (2.0, -1.0), (2.0, 3.0), (None, 9.0))
    assert chosen_in_sample(found).trial == 1
    assert chosen_in_sample(trials((None, 1.0))) is None


def test_the_page_shows_every_trial_and_says_how_the_chosen_one_did():
    found = trials((1.0, 5.0), (2.0, -1.0), (1.5, 3.0))
    page = sweep_page("spans", {"spec": "ema_trend"}, found).decode()
    assert "Ringed: trial 1, the best in sample." in page
    assert "2 of 3 trials are better there" in page
    assert not re.search(r'(src|href)="https?:', page)
    data = re.search(r'id="page-data">(.*?)</script>', page).group(1)
    figures = json.loads(data)["figures"]
    points = figures["scatter"]["data"][1]
    assert sorted(zip(points["x"], points["y"], strict=True)) == sorted(
        [(1.0, 5.0), (2.0, -1.0), (1.5, 3.0), (2.0, -1.0)]
    )
    assert len(figures["parallel"]["data"]) == 3


def test_a_sweep_without_a_part_in_sample_has_no_scatter():
    page = sweep_page("spans", {}, trials((None, 1.0), (None, 2.0))).decode()
    assert "Did it last?" not in page
    assert 'id="parallel"' in page


def test_lines_stand_between_the_ends_of_each_axis():
    figure = parallel_figure(trials((1.0, 5.0), (2.0, -1.0), (1.5, None)))
    first = figure["data"][0]
    assert first["x"] == ["fast", "side", "Sharpe in sample", "Sharpe out of sample"]
    assert first["y"] == [0.0, 0.0, 0.0, 1.0]
    assert figure["data"][1]["y"] == [0.5, 0.0, 1.0, 0.0]
    assert figure["data"][2]["y"][3] is None
    assert first["line"]["color"] == "rgba(15,127,85,0.75)"
    written = {(note["x"], note["text"]) for note in figure["layout"]["annotations"]}
    assert {("fast", "6"), ("fast", "12"), ("fast", "18"), ("Sharpe in sample", "1.0")} <= written


def test_the_chosen_trial_is_ringed():
    points = scatter_figure(trials((1.0, 5.0), (2.0, -1.0)))["data"][1]
    assert (points["x"][-1], points["y"][-1]) == (2.0, -1.0)
    assert points["marker"]["color"][-1] == "rgba(0,0,0,0)"


def test_the_picture_has_the_same_bytes_for_the_same_trials():
    found = trials((1.0, 5.0), (2.0, -1.0), (1.5, 3.0))
    picture = scatter_png(found, title="spans")
    assert picture.startswith(b"\x89PNG")
    assert picture == scatter_png(found, title="spans")
