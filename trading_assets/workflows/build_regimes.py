"""Regimes of a month: parameters frozen before it, then the filter, proven to know no future."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np
import polars as pl

from trading_assets.domain.bar import DAY
from trading_assets.domain.ids import Month, Symbol, content_hash
from trading_assets.features.anchor import anchor
from trading_assets.features.regime import (
    BAR,
    LABELS,
    WARM_UP,
    RegimeParameters,
    hourly_returns,
    regimes_of,
)
from trading_assets.features.regime_estimation import Estimate, estimate_regimes
from trading_assets.market.bar_frame import between, version_of
from trading_assets.market.table_columns import REGIME_PROBABILITIES, REGIMES
from trading_assets.storage.partition_store import Manifest
from trading_assets.workflows.bars_behind import (
    bars_before,
    bars_behind,
    frame_from,
    source_of,
)
from trading_assets.workflows.code_hash import source_hash
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.listing import require_traded
from trading_assets.workflows.market_tables import bars_table, published_from_manifest
from trading_assets.workflows.month_proofs import Finding, prove_no_look_ahead, warm_up_proof
from trading_assets.workflows.published import Published

REGIMES_TABLE = "regimes"
PARAMETERS_TABLE = "regime_parameters"

_BARS = bars_table(BAR)
_HOURS_PER_DAY = 24
_SUM_TOLERANCE = 1e-12


@dataclass(frozen=True, slots=True)
class FrozenRegimes:
    """What was known of a symbol's regimes before a month began.

    Attributes:
        manifest: of the parameters' table: one row per state, none where there are no regimes.
        parameters: None where there are none.
        reason: why; "" when there are.
    """

    manifest: Manifest
    parameters: RegimeParameters | None
    reason: str


def build_regimes(desk: Desk, symbol: Symbol, month: Month) -> Published:
    """Publish the filtered probabilities of one month, and the parameters frozen before it.

    Where there is too little history, or no regimes in it, all rows are null and the metadata
    says why.

    Raises:
        NotTraded: if the symbol was, as declared, not traded in the month.
        MissingPartition: if the hourly bars of the month are not there.
        CorruptFile: if a file is damaged.
        DataError: if a row knows the future; nothing is published then.
    """
    require_traded(desk.settings, symbol, month)
    bars = bars_behind(desk, _BARS, symbol, month, WARM_UP)
    own = bars[-1]
    frozen = freeze_regimes(desk, symbol, month)
    parents = {m.address: m.version for m in (*bars, frozen.manifest)}
    code = _code_version()
    manifest = desk.tables.standing(
        REGIMES_TABLE, symbol, month, code_version=code, parents=parents
    )
    changed = False
    if manifest is None or manifest.gaps != own.gaps:
        frame = frame_from(desk, bars, anchor(month, WARM_UP))
        compute = partial(regimes_of, parameters=frozen.parameters)
        rows = compute(frame).filter(between(month.start, month.end))
        manifest, changed = desk.tables.publish(
            REGIMES_TABLE,
            symbol,
            month,
            rows,
            code_version=code,
            parents=parents,
            gaps=own.gaps,
            extra={
                "source": source_of(desk.settings, own, symbol),
                "parameters": frozen.manifest.extra["parameters"],
                "parameters_sha256": frozen.manifest.extra["parameters_sha256"],
                "unknown_because": frozen.reason or own.extra.get("empty_because", ""),
                "incomplete_rows": rows["regime"].null_count(),
                "look_ahead": prove_no_look_ahead(
                    compute,
                    frame,
                    f"Regimes of {symbol} {month}",
                    seed=desk.settings.model.seed,
                    fix="Correct the filter.",
                ),
                "warm_up": _warm_up(desk, symbol, month, frozen.parameters),
            },
        )
    shares = _shares(desk.tables.read_manifest(manifest))
    told = ("parameters_sha256", "unknown_because", "incomplete_rows", "warm_up")
    return published_from_manifest(
        desk.tables,
        manifest,
        changed=changed,
        **{name: manifest.extra[name] for name in told},
        **_shown(frozen),
        **shares,
    )


def freeze_regimes(desk: Desk, symbol: Symbol, month: Month) -> FrozenRegimes:
    """Estimate a symbol's regimes from the bars before a month, unless that stands already.

    `[regimes]` of the settings says how many states, over how many days, and from how many on.
    The parameters are a table of one row per state; the manifest has them as JSON with their hash,
    and the bars they come from.

    Raises:
        CorruptFile: if a file is damaged.
    """
    wanted = desk.settings.regimes
    start = month.start - wanted.look_back_days * DAY
    source = desk.settings.source_of(symbol)
    bars = bars_before(desk, _BARS, symbol, month, start, source)
    parents = {manifest.address: manifest.version for manifest in bars}
    parents["regimes/settings"] = content_hash(wanted.model_dump(mode="json"))
    code = _code_version()
    manifest = desk.tables.standing(
        PARAMETERS_TABLE, symbol, month, code_version=code, parents=parents
    )
    if manifest is None:
        returns = hourly_returns(frame_from(desk, bars, start)) if bars else []
        found = estimate_regimes(
            np.array([r for r in returns if r is not None]),
            wanted.states,
            least=wanted.min_days * _HOURS_PER_DAY,
        )
        manifest, _ = desk.tables.publish(
            PARAMETERS_TABLE,
            symbol,
            month,
            _states(found.parameters),
            code_version=code,
            parents=parents,
            stands_for=found.reason,
            extra={"source": source, **_facts(found)},
        )
    plain = manifest.extra["parameters"]
    return FrozenRegimes(
        manifest,
        None if plain is None else RegimeParameters.from_plain(plain),
        manifest.extra["unknown_because"],
    )


def judge_regimes(desk: Desk, symbol: Symbol, month: Month) -> tuple[Finding, ...]:
    """Check a month as it stands on disk.

    Its rows are computed again from the current bars and the parameters in the manifest, and must
    have the bits of those that were proven causal.

    Raises:
        MissingPartition: if regimes or bars are not there.
        CorruptFile: if a file is damaged.
    """
    manifest = desk.tables.require(REGIMES_TABLE, symbol, month)
    stored = desk.tables.read_manifest(manifest)
    bars = bars_behind(desk, _BARS, symbol, month, WARM_UP)
    frame = frame_from(desk, bars, anchor(month, WARM_UP))
    plain = manifest.extra["parameters"]
    parameters = None if plain is None else RegimeParameters.from_plain(plain)
    fresh = regimes_of(frame, parameters).filter(between(month.start, month.end))
    is_same = version_of(fresh) == manifest.version
    proof = manifest.extra["look_ahead"]
    odd = _not_probabilities(stored)
    return (
        Finding(
            "are_probabilities",
            passed=not odd,
            detail=f"{odd} rows do not sum to one" if odd else "every known row sums to one",
            metadata={"incomplete_rows": manifest.extra["incomplete_rows"]},
        ),
        Finding(
            "knows_no_future",
            passed=is_same and proof["leaks"] == 0,
            detail=f"proven at {proof['cuts']} random cuts; the rows on disk are the proven ones"
            if is_same
            else "not what the current bars and code give",
            metadata=proof,
        ),
        Finding(
            "is_warmed_up",
            passed=not manifest.extra["warm_up"].startswith("too short"),
            detail=manifest.extra["warm_up"],
        ),
    )


def _code_version() -> str:
    sources = source_hash("features/regime.py", "features/regime_estimation.py")
    return content_hash([sources, version("statsmodels")])


def _warm_up(desk: Desk, symbol: Symbol, month: Month, parameters: RegimeParameters | None) -> str:
    """Compute the month's first days with twice the warm-up, if there are bars for it."""
    if parameters is None:
        return "nothing to prove: there are no regimes"
    bars = bars_behind(desk, _BARS, symbol, month, 2 * WARM_UP)
    frame = frame_from(desk, bars, anchor(month, 2 * WARM_UP))
    told, _ = warm_up_proof(partial(regimes_of, parameters=parameters), frame, month, WARM_UP)
    return told


def _states(parameters: RegimeParameters | None) -> pl.DataFrame:
    """Give the parameters as a table, one row per state."""
    k = len(parameters.variances) if parameters else 0
    to = {f"to_{label}": pl.Float64 for label in REGIMES}
    schema = {
        "regime": pl.String,
        "volatility": pl.Float64,
        "share": pl.Float64,
        "hours": pl.Float64,
        **to,
    }
    if parameters is None:
        return pl.DataFrame(schema=schema)
    columns: dict[str, Any] = {
        "regime": LABELS[k],
        "volatility": [v**0.5 for v in parameters.variances],
        "share": parameters.stationary,
        "hours": parameters.durations,
        **{
            f"to_{label}": [row[i] for row in parameters.transition]
            for i, label in enumerate(LABELS[k])
        },
    }
    return pl.DataFrame({n: columns.get(n, [None] * k) for n in schema}, schema=schema)


def _facts(found: Estimate) -> dict[str, Any]:
    parameters = found.parameters
    return {
        "parameters": None if parameters is None else parameters.plain,
        "parameters_sha256": "" if parameters is None else parameters.sha256,
        "unknown_because": found.reason,
        "returns": found.returns,
        "log_likelihood": found.log_likelihood,
        "bic_gain": found.bic_gain,
    }


def _shown(frozen: FrozenRegimes) -> Mapping[str, Any]:
    parameters = frozen.parameters
    if parameters is None:
        return {}
    shown: dict[str, Any] = {"returns": frozen.manifest.extra["returns"]}
    for label, variance, hours in zip(
        parameters.labels, parameters.variances, parameters.durations, strict=True
    ):
        shown[f"{label} volatility of an hour"] = variance**0.5
        shown[f"{label} hours"] = hours
    return shown


def _shares(rows: pl.DataFrame) -> dict[str, float]:
    """Give the part of the month's known hours that each regime was the most probable in."""
    counts = rows["regime"].drop_nulls().value_counts()
    found = dict(zip(counts["regime"], counts["count"], strict=True))
    total = sum(found.values())
    return {f"{label} share": found[label] / total for label in REGIMES if label in found}


def _not_probabilities(rows: pl.DataFrame) -> int:
    known = rows.filter(pl.col("regime").is_not_null())
    total = pl.sum_horizontal(REGIME_PROBABILITIES)
    sane = pl.all_horizontal(
        pl.col(name).is_null() | pl.col(name).is_between(0, 1) for name in REGIME_PROBABILITIES
    )
    wrong = ~(sane & total.is_finite() & ((total - 1).abs() <= _SUM_TOLERANCE))
    return known.filter(wrong.fill_null(value=True)).height
