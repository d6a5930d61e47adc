"""The synthetic market: determinism, sanity, and what can and cannot be learned from it."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.exchange.market.latent import days_from_epoch
from trading_assets.exchange.market.listing import listing_of
from trading_assets.exchange.market.market_model import CELLS_PER_DAY, DayPath, MarketModel

DAY = days_from_epoch(2024) + 60
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
CELLS_PER_5M = 60
GOLDEN_TICKS = [5_136_467, 5_136_682, 5_148_591, 5_101_673]
GOLDEN_LOTS = 4_159_208_993

_FINGERPRINT = """
import hashlib, sys
from trading_assets.exchange.market.listing import listing_of
from trading_assets.exchange.market.market_model import MarketModel
path = MarketModel(7, 0.5).day(listing_of("SOLUSDT"), int(sys.argv[1]))
parts = (path.ticks, path.lots, path.taker_lots, path.trades, path.below, path.spread)
print(hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest())
"""


def fingerprint(path: DayPath) -> str:
    parts = (path.ticks, path.lots, path.taker_lots, path.trades, path.below, path.spread)
    return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()


def closes(model, symbol, first, days, every=CELLS_PER_5M):
    paths = [model.day(listing_of(symbol), day) for day in range(first, first + days)]
    return np.log(np.concatenate([path.ticks for path in paths])[every - 1 :: every].astype(float))


def test_another_process_sees_the_same_market(model):
    run = subprocess.run(
        [sys.executable, "-c", _FINGERPRINT, str(DAY)], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == fingerprint(model.day(listing_of("SOLUSDT"), DAY))


def test_the_order_of_access_does_not_matter():
    forwards, backwards = MarketModel(7, 0.5), MarketModel(7, 0.5)
    asked = [(s, d) for s in SYMBOLS for d in (days_from_epoch(2019), DAY, DAY + 1, DAY + 700)]
    there = {key: fingerprint(forwards.day(listing_of(key[0]), key[1])) for key in asked}
    back = {key: fingerprint(backwards.day(listing_of(key[0]), key[1])) for key in reversed(asked)}
    assert there == back
    assert len(set(there.values())) == len(asked)


def test_the_market_of_the_default_seed_has_not_changed(model):
    # Everything that was ever learned or decided on the embedded market hangs on this path.
    path = model.day(listing_of("BTCUSDT"), DAY)
    assert [int(path.ticks[i]) for i in (0, 1, 8_640, -1)] == GOLDEN_TICKS
    assert int(path.lots.sum()) == GOLDEN_LOTS


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_days_meet_without_a_jump(model, symbol):
    jumps, usual = [], []
    for day in range(DAY, DAY + 30):
        today, tomorrow = (model.day(listing_of(symbol), d).ticks for d in (day, day + 1))
        jumps.append(abs(np.log(tomorrow[0] / today[-1])))
        usual.append(np.abs(np.diff(np.log(today.astype(float)))).mean())
    assert np.mean(jumps) < 2 * np.mean(usual)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    structure=st.sampled_from([0.0, 0.5, 1.0]),
    symbol=st.one_of(
        st.sampled_from((*SYMBOLS, "ADAUSDT")),
        st.builds(
            "{}{}".format,
            st.text("ABCDEFGH", min_size=3, max_size=4),
            st.sampled_from(["BTC", "ETH", "BNB"]),
        ),
    ),
    day=st.integers(days_from_epoch(2018), days_from_epoch(2030)),
)
def test_every_cell_of_any_market_is_sane(seed, structure, symbol, day):
    path = MarketModel(seed, structure).day(listing_of(symbol), day)
    assert len(path.ticks) == CELLS_PER_DAY
    assert path.ticks.min() >= 1
    assert path.lots.min() >= 2
    assert path.spread.min() >= 1
    assert ((path.taker_lots >= 0) & (path.taker_lots <= path.lots)).all()
    assert ((path.trades >= 1) & (path.trades <= path.lots)).all()
    assert ((path.below == 0) | (path.below == path.spread)).all()


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_prices_stay_tradable_over_decades(symbol):
    listing = listing_of(symbol)
    start = float(listing.start_price)
    for seed in range(12):
        latent = MarketModel(seed, 0.5).latent
        for year in (2018, 2021, 2024, 2027, 2030):
            price = np.exp(latent.year(listing, year).level / 1e9) * 0.01
            assert start / 20 < price.min()
            assert price.max() < start * 20


def test_prices_start_2024_where_the_listing_says(model):
    for symbol, price in (("BTCUSDT", 42_000), ("ETHUSDT", 2_300), ("SOLUSDT", 100)):
        ticks = model.ticks_at(listing_of(symbol), days_from_epoch(2024) * CELLS_PER_DAY)
        assert abs(ticks / 100 / price - 1) < 0.005


def test_without_structure_returns_are_noise():
    model = MarketModel(11, 0.0)
    for symbol in SYMBOLS:
        walk = closes(model, symbol, DAY, 90)
        steps = np.diff(walk)
        for lag in (1, 2, 12):
            assert abs(np.corrcoef(steps[lag:], steps[:-lag])[0, 1]) < 0.03
        hours = np.diff(walk[::12])
        assert abs(hours.std() / steps.std() / 12**0.5 - 1) < 0.08  # variance ratio
        assert abs(np.exp(hours).mean() - 1) < 3 * hours.std() / len(hours) ** 0.5


def test_volatility_clusters_and_symbols_move_together(model):
    steps = {symbol: np.diff(closes(model, symbol, DAY, 60)) for symbol in SYMBOLS}
    for series in steps.values():
        size = np.abs(series)
        assert np.corrcoef(size[1:], size[:-1])[0, 1] > 0.1
    assert np.corrcoef(steps["BTCUSDT"], steps["ETHUSDT"])[0, 1] > 0.6
    assert np.corrcoef(steps["BTCUSDT"], steps["SOLUSDT"])[0, 1] > 0.4


def test_the_day_has_busy_and_quiet_hours_and_the_week_has_its_end(model):
    moves, values = np.zeros(24), np.zeros(24)
    by_weekday = np.zeros(7)
    for day in range(DAY, DAY + 84):
        path = model.day(listing_of("ETHUSDT"), day)
        steps = np.abs(np.diff(np.log(path.ticks[::12].astype(float)), append=np.nan))
        moves += np.nanmean(steps.reshape(24, 60), axis=1)
        value = (path.ticks * path.lots).reshape(24, -1).sum(axis=1)
        values += value
        by_weekday[(day + 3) % 7] += value.sum()
    # European afternoon and American morning against the hours before the Asian one.
    assert moves[13:17].mean() > 1.5 * moves[3:6].mean()
    assert values[13:17].mean() > 1.5 * values[3:6].mean()
    assert by_weekday[5:].mean() < 0.9 * by_weekday[:5].mean()


def test_without_structure_the_price_is_a_martingale_at_every_scale():
    model = MarketModel(23, 0.0)
    for symbol in SYMBOLS:
        walk = closes(model, symbol, DAY, 180, every=12)  # minutes
        for minutes in (5, 60, 720):
            steps = np.diff(walk[::minutes])
            gain = np.expm1(steps)
            assert abs(gain.mean()) < 3.5 * gain.std() / len(gain) ** 0.5
            if len(steps) > 1_000:
                ahead = np.corrcoef(steps[1:], steps[:-1])[0, 1]
                assert abs(ahead) < 3.5 / len(steps) ** 0.5
            signs = np.sign(steps[steps != 0])
            assert abs(signs.mean()) < 3.5 / len(signs) ** 0.5


def test_volume_comes_with_moves_and_takers_with_their_side(model):
    path = model.day(listing_of("SOLUSDT"), DAY)
    steps = np.diff(np.log(path.ticks.astype(float)))
    lots, bought = path.lots[1:], path.taker_lots[1:]
    assert np.corrcoef(np.abs(steps), np.log(lots))[0, 1] > 0.05
    assert np.corrcoef(steps, bought / lots)[0, 1] > 0.2
    assert np.corrcoef(np.log(lots), np.log(path.trades[1:]))[0, 1] > 0.7


def hour_ahead_sign_accuracy(structure: float) -> float:
    """Fit the next hour on trailing returns over 60 days, and judge it on the 60 days after."""
    model = MarketModel(5, structure)
    x_fit, y_fit, x_new, y_new = [], [], [], []
    for symbol in SYMBOLS:
        walk = closes(model, symbol, DAY, 120)
        rows = np.arange(144, len(walk) - 12)
        columns = [walk[rows] - walk[rows - back] for back in (6, 12, 24, 48, 96, 144)]
        table, target = np.stack(columns, axis=1), walk[rows + 12] - walk[rows]
        half = len(rows) // 2
        x_fit.append(table[: half - 12])
        y_fit.append(target[: half - 12])
        x_new.append(table[half:])
        y_new.append(target[half:])
    weights, *_ = np.linalg.lstsq(np.concatenate(x_fit), np.concatenate(y_fit), rcond=None)
    forecast = np.concatenate(x_new) @ weights
    return float((np.sign(forecast) == np.sign(np.concatenate(y_new))).mean())


def test_structure_can_be_learned_and_noise_cannot():
    assert abs(hour_ahead_sign_accuracy(0.0) - 0.5) < 0.02
    assert 0.53 < hour_ahead_sign_accuracy(0.5) < 0.60
    assert hour_ahead_sign_accuracy(1.0) > 0.62


def test_trend_following_pays_on_structure_and_not_on_noise():
    def net(structure):
        """Hold while the fast average of 5m closes is above the slow; pay 5 bps a side."""
        total = 0.0
        for symbol in SYMBOLS:
            walk = closes(MarketModel(5, structure), symbol, DAY, 90)
            fast, slow = (average(walk, n) for n in (24, 96))
            held = (fast > slow).astype(float)[:-1]
            total += float((held * np.diff(walk)).sum() - 5e-4 * np.abs(np.diff(held)).sum())
        return total

    def average(walk, span):
        result, last = np.empty_like(walk), walk[0]
        for i, value in enumerate(walk):
            last += (value - last) * 2 / (span + 1)
            result[i] = last
        return result

    assert net(0.5) > 0.5
    assert net(0.0) < 0.1
