"""What the rules of promotion look at, what they demand, and how their verdicts are joined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from trading_assets.evaluation.overfitting import SharpeMoments, sharpe_moments
from trading_assets.evaluation.return_samples import is_constant

_FEWEST = 3

Stage = Literal["valid", "plausible", "robust", "better", "held_out", "probation"]
STAGES: tuple[Stage, ...] = ("valid", "plausible", "robust", "better", "held_out", "probation")
"""In order: is the evidence sound, is it more than luck, does it survive costs, does it beat what
is traded now, does it hold in months that nobody had looked at, and does it do with play money what
was predicted (`evaluation.conduct`)."""

Failure = Literal["hold", "reject"]
Verdict = Literal["promote", "hold", "reject"]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What the rules demand; recorded in every decision. `docs/gate.md` argues each default.

    Attributes:
        min_trades: round trips over the whole run.
        min_oos_trades: round trips out of sample.
        min_net_return_pct: net return out of sample has to be above it.
        track_confidence: of the Sharpe ratio being above zero, for the minimum track record.
        min_oos_months: calendar months that the out-of-sample days touch: the folds.
        min_deflated_sharpe: probability that the true Sharpe ratio beats the best of luck.
        pbo_from_trials: the family needs a probability of overfitting from so many trials on.
        pbo_blocks: even number of blocks that the days are cut into for it.
        max_pbo: largest probability of backtest overfitting.
        max_spa_p: largest p-value of superior predictive ability, against each benchmark.
        min_neighbour_share: share of its Sharpe ratio that the median neighbour has to keep.
        max_drawdown_pct: largest drawdown of the run, in percent of equity.
        max_participation_pct: p95 of a fill's share of its bar's volume, in percent.
        max_impact_loss: share of its Sharpe ratio that impact at the planned capital may take.
        min_winners: winning trades of equal size that what was won is worth.
        max_month_share: share of the net profit that its best month may have.
        max_symbol_share: share of the net profit that its best symbol may have, of several.
        interval_confidence: of the interval of the paired difference to the champion.
        min_improvement_pct: yearly net return over the champion's, in percent, that the lower end
            of the interval has to be above.
        max_inferiority_pct: yearly net return below the champion's that is no loss, when the
            candidate's risk is clearly lower.
        max_risk_ratio: volatility over the champion's that counts as clearly lower.
        min_days_between_switches: a book keeps a release for at least so many days.
        min_days_after_taking_back: of further data, before a spec whose release was taken back
            may come back.
        holdout_quantile: of the return that the days out of sample predict for the months held out;
            what is below it was not expected.
        bootstrap_draws: number of draws of every bootstrap.
        seed: of every bootstrap.
    """

    min_trades: int
    min_oos_trades: int
    min_net_return_pct: float
    track_confidence: float
    min_oos_months: int
    min_deflated_sharpe: float
    pbo_from_trials: int
    pbo_blocks: int
    max_pbo: float
    max_spa_p: float
    min_neighbour_share: float
    max_drawdown_pct: float
    max_participation_pct: float
    max_impact_loss: float
    min_winners: float
    max_month_share: float
    max_symbol_share: float
    interval_confidence: float
    min_improvement_pct: float
    max_inferiority_pct: float
    max_risk_ratio: float
    min_days_between_switches: int
    min_days_after_taking_back: int
    holdout_quantile: float
    bootstrap_draws: int
    seed: int


@dataclass(frozen=True, slots=True)
class Check:
    """One check of data, forecasts or the run itself; `passed` is None when it could not run."""

    name: str
    passed: bool | None
    detail: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Returns:
    """Daily simple returns.

    Attributes:
        days: int64 (D,), first instants of UTC days, microseconds, ascending.
        values: float64 (D,), net of costs.
        per_year: days of a year that have one.
    """

    days: NDArray[np.int64]
    values: NDArray[np.float64]
    per_year: float

    @property
    def moments(self) -> SharpeMoments | None:
        """Moments of the returns; None where there are too few, all are the same, or one is none.

        After all equity is lost there is no return any more.
        """
        values = self.values
        if len(values) < _FEWEST or not np.isfinite(values).all() or is_constant(values):
            return None
        return sharpe_moments(values)

    @property
    def months(self) -> int:
        """Number of calendar months (UTC) that have a day."""
        return len(np.unique(self.days.astype("datetime64[us]").astype("datetime64[M]")))


@dataclass(frozen=True, slots=True)
class ProfitShares:
    """How much of the profit out of sample hangs on a few.

    Attributes:
        winners: effective number of winning round trips, (sum of gains)^2 / sum of squared gains:
            so many of equal size would be as concentrated.
        month: share of the net profit of the best calendar month of exits; above 1 when the others
            lose.
        symbol: the same of the best symbol; None when only one is traded.
    """

    winners: float
    month: float
    symbol: float | None


@dataclass(frozen=True, slots=True)
class Trials:
    """What was tried of a family before the decision, by the desk's ledger.

    Attributes:
        count: distinct trials, this one included.
        variance: of their Sharpe ratios per day, over all that have one; None when fewer than
            two have.
        known: how many have one.
        head: hash of the ledger's last row at that moment.
    """

    family: str
    count: int
    known: int
    variance: float | None
    head: str


@dataclass(frozen=True, slots=True)
class Capital:
    """A point of the capacity curve.

    Attributes:
        amount: opening equity, in quote.
        sharpe: per day, out of sample, with impact by the square root of participation.
        participation_pct: p95 of a fill's share of its bar's volume, in percent.
    """

    amount: float
    sharpe: float | None
    participation_pct: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Examination:
    """Further runs of a candidate, all on its own inputs; Sharpe ratios are per day.

    Attributes:
        unimpaired: under the spec's own costs, without impact.
        stressed: by name of the stress, out of sample.
        neighbours: one per parameter and direction; None for one whose equity never moved.
        capacity: ascending in capital, the planned one first; empty where volumes are not known.
        benchmarks: daily returns by name, on the days of `RunEvidence.returns`.
        variants: float64 (D, N), daily returns of the family's distinct trials on these days;
            None when they were not kept.
        evidence: see `RunEvidence`.
    """

    unimpaired: float | None
    stressed: Mapping[str, float | None]
    neighbours: Mapping[str, float | None]
    capacity: tuple[Capital, ...]
    benchmarks: Mapping[str, NDArray[np.float64]]
    variants: NDArray[np.float64] | None
    evidence: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TakenBack:
    """A release of the same spec that the book was taken back from.

    Attributes:
        reason, by: as the ledger of releases has them.
        days: whole UTC days of data that the candidate's run has beyond that moment; None when the
            moment is not known.
    """

    release_id: str
    reason: str
    by: str
    days: int | None


@dataclass(frozen=True, slots=True)
class HeldOut:
    """The months held out, and how the candidate came through them.

    Attributes:
        first, last: months, as `2024-10`.
        days: whole UTC days that were traded; 0 before they were read.
        net_return: simple, over all of them, after costs; None before they were read.
        unread: why they were not read; empty when they were.
        evidence: see `RunEvidence`.
    """

    first: str
    last: str
    days: int = 0
    net_return: float | None = None
    unread: str = ""
    evidence: Mapping[str, str] = field(default_factory=dict)

    def said(self) -> str:
        """Say for people what was read, or why nothing was."""
        months = self.first if self.first == self.last else f"{self.first} to {self.last}"
        if self.unread:
            return f"Held out: {months}. {self.unread}"
        return f"Held out: {months}, read once for this candidate, as one more trial."


@dataclass(frozen=True, slots=True, eq=False)
class RunEvidence:
    """What is known of one candidate, all of it from immutable files.

    Attributes:
        metrics: metrics of the whole run (`evaluation.performance`), percentages in percent.
        oos: the same metrics, out of sample.
        fill_rules: `fill_at` and `size_at` of the spec.
        models: pinned model files, horizon to SHA-256; empty for rule strategies.
        regimes: pinned parameters of regimes, symbol to month, version and SHA-256.
        regimes_unknown: symbols that a filter asks the regimes of and that have none to pin, and
            why.
        pins_complete: whether every forecast that the strategy needs has a model to pin.
        model_skill: whether each pinned model beat its baselines out of sample, by horizon.
        reproductions: for each later run of the same inputs, whether its bytes were equal.
        stale: inputs of the run that are no longer current.
        needs: tables beside the bars that its filters look at, of which a release pins nothing.
        costs: of the spec, in basis points and factors, as its manifest has them.
        evidence: name of a file to its path and SHA-256, `runs/...#sha256`.
        returns: daily, out of sample.
        profit: how much of the profit hangs on a few; None without one.
        trials: what was tried of its family; None when the ledger cannot say.
        trials_unknown: why it cannot.
        examination: further runs of the spec; None before it was examined.
        taken_back: the latest release of the spec that the book was taken back from, if any.
        held_out: months that research never looks at; None when there are none.
    """

    spec: str
    spec_hash: str
    run_id: str
    metrics: Mapping[str, Any]
    oos: Mapping[str, Any]
    order_types: tuple[str, ...]
    fill_rules: Mapping[str, str]
    checks: tuple[Check, ...]
    models: Mapping[str, str]
    pins_complete: bool
    model_skill: Mapping[str, bool]
    reproductions: tuple[bool, ...]
    stale: tuple[str, ...]
    evidence: Mapping[str, str]
    returns: Returns
    needs: tuple[str, ...] = ()
    regimes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    regimes_unknown: Mapping[str, str] = field(default_factory=dict)
    costs: Mapping[str, Any] = field(default_factory=dict)
    profit: ProfitShares | None = None
    trials: Trials | None = None
    trials_unknown: str = ""
    examination: Examination | None = None
    taken_back: TakenBack | None = None
    held_out: HeldOut | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ChampionEvidence:
    """What the book trades now.

    Attributes:
        spec_hash: of the spec in the release.
        models: pinned in the release, horizon to SHA-256.
        days_held: whole UTC days from the newest bar behind its decision to that of this one; None
            when either is not known.
        theirs: daily returns of its newest run over the days that are out of sample in both runs;
            None when there is no such run, or no common day.
        ours: the candidate's over the same days.
        evidence: see `RunEvidence`.
    """

    release_id: str
    spec: str
    spec_hash: str
    models: Mapping[str, str]
    days_held: int | None
    theirs: Returns | None
    ours: Returns | None
    evidence: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RuleResult:
    """One row of a decision.

    Attributes:
        stage: which part of the gate it belongs to; see `STAGES`.
        passed: None when the evidence is missing.
        on_fail: what the verdict becomes when the rule fails.
        kind: `integrity` rules ask whether a run can be believed and executed at all; of a field
            where nobody may be promoted, one that passes them is the candidate.
        evidence: files that the value was read from.
    """

    rule: str
    value: Any
    threshold: Any
    passed: bool | None
    on_fail: Failure
    kind: Literal["integrity", "performance"]
    stage: Stage
    evidence: tuple[str, ...] = ()
    note: str = ""

    def plain(self) -> dict[str, Any]:
        """Give it as plain values for JSON."""
        return {**asdict(self), "evidence": list(self.evidence)}


def verdict(rules: Sequence[RuleResult]) -> Verdict:
    """Join the rules, stage by stage: the first stage that is not passed decides.

    Inside a stage, missing evidence is hold, then reject, then hold.
    """
    open_rules = unmet(rules)
    if not open_rules:
        return "promote"
    if any(rule.passed is None for rule in open_rules):
        return "hold"
    return "reject" if any(rule.on_fail == "reject" for rule in open_rules) else "hold"


def unmet(rules: Sequence[RuleResult]) -> tuple[RuleResult, ...]:
    """Give the rules of the first stage that is not passed which failed or lack their evidence."""
    for stage in STAGES:
        found = tuple(rule for rule in rules if rule.stage == stage and not rule.passed)
        if found:
            return found
    return ()


def has_integrity(rules: Sequence[RuleResult]) -> bool:
    """Tell whether a run can be believed and executed: all such rules have passed."""
    return all(rule.passed for rule in rules if rule.kind == "integrity")


def files_of(candidate: RunEvidence, *names: str) -> tuple[str, ...]:
    """Give the addresses of a candidate's files, as rules quote them."""
    return tuple(candidate.evidence[name] for name in names if name in candidate.evidence)


def files_of_examination(candidate: RunEvidence) -> tuple[str, ...]:
    """Give the addresses of the files of a candidate's examination; none when there is none."""
    examined = candidate.examination
    return () if examined is None else tuple(examined.evidence.values())
