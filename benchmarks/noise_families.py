"""How often the statistics of luck let the best of worthless trials pass, and of one with an edge.

Families of 200 trials over 500 days, their best picked by Sharpe ratio and judged at the gate's
levels: the share of families in which it passes. `clones` are ten ideas with twenty near-copies
each, `serial` has returns that follow those of the day before (0.2), `edge` gives one trial 0.2
standard deviations a day (3.8 a year). Everything follows from the seed; one JSON line.

    python benchmarks/noise_families.py
"""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from trading_assets.evaluation.cscv import cscv
from trading_assets.evaluation.overfitting import (
    SharpeMoments,
    deflated_sharpe_ratio,
    effective_trials,
    probabilistic_sharpe_ratio,
    sharpe_moments,
)
from trading_assets.evaluation.superior_ability import superior_predictive_ability

Returns = NDArray[np.float64]

DAYS, TRIALS, RUNS, DRAWS, BLOCKS = 500, 200, 200, 500, 10
IDEAS = 10
CONVINCED, SIGNIFICANT, OVERFITTED = 0.95, 0.10, 0.20


def independent(rng: np.random.Generator) -> Returns:
    return rng.normal(size=(DAYS, TRIALS))


def alike(rng: np.random.Generator) -> Returns:
    return np.sqrt(0.8) * rng.normal(size=(DAYS, 1)) + np.sqrt(0.2) * independent(rng)


def clones(rng: np.random.Generator) -> Returns:
    ideas = np.repeat(rng.normal(size=(DAYS, IDEAS)), TRIALS // IDEAS, axis=1)
    return np.sqrt(0.95) * ideas + np.sqrt(0.05) * independent(rng)


def fat_tails(rng: np.random.Generator) -> Returns:
    return rng.standard_t(3, size=(DAYS, TRIALS))


def serial(rng: np.random.Generator) -> Returns:
    found = independent(rng)
    for day in range(1, DAYS):
        found[day] += 0.2 * found[day - 1]
    return found


def edge(rng: np.random.Generator) -> Returns:
    found = independent(rng)
    found[:, 0] += 0.2
    return found


FAMILIES: tuple[Callable[[np.random.Generator], Returns], ...] = (
    independent,
    alike,
    clones,
    fat_tails,
    serial,
    edge,
)


def judge(returns: Returns, rng: np.random.Generator) -> dict[str, bool]:
    """Say which statistics let the best trial pass."""
    ratios = returns.mean(axis=0) / returns.std(axis=0, ddof=1)
    best = sharpe_moments(returns[:, ratios.argmax()])
    spread = float(ratios.var(ddof=1))

    def deflated(trials: float) -> bool:
        return deflated_sharpe_ratio(best, trials=trials, trial_variance=spread) >= CONVINCED

    able = superior_predictive_ability(returns, np.zeros(DAYS), rng=rng, draws=DRAWS)
    found = {
        "psr": _probability(best) >= CONVINCED,
        "dsr": deflated(TRIALS),
        "dsr_effective": deflated(effective_trials(returns)),
        "spa": able.consistent <= SIGNIFICANT,
        "pbo": cscv(returns, BLOCKS).pbo <= OVERFITTED,
    }
    return found | {"dsr_spa_pbo": found["dsr"] and found["spa"] and found["pbo"]}


def study(runs: int = RUNS) -> dict[str, dict[str, float]]:
    """Give, per kind of family and statistic, the share of families that pass."""
    shares = {}
    for number, family in enumerate(FAMILIES):
        seeds = np.random.SeedSequence(entropy=number).spawn(runs)
        verdicts = [judge(family(rng), rng) for rng in map(np.random.default_rng, seeds)]
        shares[family.__name__] = {
            name: round(float(np.mean([verdict[name] for verdict in verdicts])), 4)
            for name in verdicts[0]
        }
    return shares


def _probability(moments: SharpeMoments) -> float:
    return probabilistic_sharpe_ratio(
        moments.sharpe, moments.periods, skew=moments.skew, kurtosis=moments.kurtosis
    )


if __name__ == "__main__":
    print(json.dumps({"runs": RUNS, "days": DAYS, "trials": TRIALS} | study()))
