"""The model card: what a model is, how it did, and whether it may say how sure it is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from trading_assets.domain.ids import sha256_hex
from trading_assets.forecasting.pictures import draw_reliability, png
from trading_assets.forecasting.trainer import TrainedModel

_SHOWN_FEATURES = 12
_SCORES = ("rows", "rmse", "r2", "sign_accuracy", "sign_accuracy_se", "ic")


def model_summary(model: TrainedModel) -> dict[str, Any]:
    """Give the facts of a card as plain values: identity, scores, confidence, features."""
    bundle, confidence = model.bundle, model.confidence
    return {
        "model_id": bundle.model_id,
        "month": str(bundle.month),
        "horizon": bundle.horizon,
        "symbols": list(bundle.symbols),
        "rows": model.rows,
        "dataset": bundle.dataset,
        "features": list(bundle.features),
        "features_code_version": bundle.features_code_version,
        "code_version": bundle.code_version,
        "booster_sha256": bundle.booster_sha256,
        "params": dict(bundle.params),
        "shrinkage": bundle.shrinkage,
        "scores": {name: dict(scores) for name, scores in model.scores.items()},
        "stretches": [dict(stretch) for stretch in model.stretches],
        "beats_baselines": beats_baselines(model.scores),
        "beaten_by": list(beaten_by(model.scores)),
        "confidence": {
            "published": confidence.calibration is not None,
            "reason": confidence.reason,
            "brier": confidence.brier,
            "brier_constant": confidence.brier_constant,
            "rows": confidence.rows,
            "briers": dict(confidence.briers),
            "curve": None if confidence.curve is None else confidence.curve.plain(),
        },
        "gains": dict(model.gains),
        "baselines": {name: of.sha256 for name, of in model.baselines.items()},
    }


def beats_baselines(scores: Mapping[str, Mapping[str, float]]) -> bool:
    """Tell whether the model's error is below that of every baseline."""
    return len(scores) > 1 and not beaten_by(scores)


def beaten_by(scores: Mapping[str, Mapping[str, float]]) -> tuple[str, ...]:
    """Name the baselines whose error is not above the model's, the best first."""
    rivals = {name: of["rmse"] for name, of in scores.items() if name != "model"}
    winners = [name for name, error in rivals.items() if error <= scores["model"]["rmse"]]
    return tuple(sorted(winners, key=lambda name: rivals[name]))


def model_card(model: TrainedModel) -> dict[str, bytes]:
    """Give the files of the card: `card.md`, `card.json`, and `card.png`, which the first shows.

    `baselines.json` beside them holds the fitted baselines as they are, by name.

    The picture is linked as the store names it: `card-<horizon>-<first 16 of its sha256>.png`.
    """
    summary = model_summary(model)
    picture = _picture(summary)
    link = f"card-{model.bundle.horizon}-{sha256_hex(picture)[:16]}.png"
    return {
        "card.md": _text(summary, link).encode(),
        "card.json": json.dumps(summary, indent=2, sort_keys=True).encode(),
        "card.png": picture,
        "baselines.json": json.dumps(
            {name: json.loads(of.text) for name, of in model.baselines.items()}, sort_keys=True
        ).encode(),
    }


def _text(summary: Mapping[str, Any], picture: str) -> str:
    horizon, month = summary["horizon"], summary["month"]
    verdict = "is smaller than" if summary["beats_baselines"] else "is NOT smaller than"
    lines = [
        f"# Forecast model {horizon} for {month}",
        "",
        f"Predicts the return from the close of a 5m bar over the next {horizon}, for "
        f"{', '.join(summary['symbols'])}. It learned from {summary['rows']:,} rows whose returns "
        f"were known before {month}-01 00:00 UTC, and may predict from then on.",
        "",
        f"![calibration, features and scores]({picture})",
        "",
        "## Purpose and limits",
        "",
        *_PURPOSE,
        "",
        "## Scores out of fold",
        "",
        f"Trees that knew only what came before predicted each stretch; so did the baselines, on "
        f"the same rows: nothing, the mean return, a ridge regression on the same features, and "
        f"from past returns alone an autoregression and a weighted mean. The model's error "
        f"{verdict} that of every baseline{_winners(summary)}. Labels overlap: the error of the "
        f"sign accuracy counts rows / bars of the horizon as independent.",
        "",
        *_table(
            ("forecast", *_SCORES),
            [(name, *_cells(scores)) for name, scores in summary["scores"].items()],
        ),
        "",
        f"Its forecasts are scaled by {summary['shrinkage']:.3f}, the share of their size that "
        "past forecasts deserved.",
        "",
        "## Confidence",
        "",
        summary["confidence"]["reason"],
        "",
        *_calibration(summary["confidence"]),
        "## Features",
        "",
        *_table(
            ("feature", "share of gain"),
            [
                (name, f"{share:.1%}")
                for name, share in list(summary["gains"].items())[:_SHOWN_FEATURES]
            ],
        ),
        "",
        "## Identity",
        "",
        *_table(
            ("what", "value"),
            [
                *((name, str(summary[name])) for name in _IDENTITY),
                *((name, str(value)) for name, value in sorted(summary["params"].items())),
            ],
        ),
        "",
    ]
    return "\n".join(lines)


_PURPOSE = (
    "For the strategies of this desk that follow a forecast, on the symbols and bars named here, "
    "in its month; a live book keeps the one that its release pins. It is research, no advice.",
    "",
    "- It knows prices and volumes of its own past, and nothing of news, costs or other markets.",
    "- Scores are of the past that is named; a market that changes is found by the drift of "
    "features and by `forecast_outcomes`, after the fact.",
    "- Overlapping labels make errors look surer than they are; the stated ones are widened.",
    "- Where a baseline is as good, the baseline says all that is known.",
)


def _winners(summary: Mapping[str, Any]) -> str:
    return f" (not below: {', '.join(summary['beaten_by'])})" if summary["beaten_by"] else ""


def _calibration(confidence: Mapping[str, Any]) -> list[str]:
    """Give the reliability curve and the parts of the Brier score, where there is a curve."""
    curve = confidence["curve"]
    if curve is None:
        return []
    parts = ("reliability", "resolution", "uncertainty", "within_bins", "ece")
    bins = zip(curve["stated"], curve["observed"], curve["counts"], strict=True)
    return [
        *_table(
            (*(f"Brier, {name}" for name in confidence["briers"]), "constant", *parts),
            [
                [
                    f"{value:.5f}"
                    for value in (
                        *confidence["briers"].values(),
                        confidence["brier_constant"],
                        *(curve[name] for name in parts),
                    )
                ]
            ],
        ),
        "",
        *_table(
            ("stated", "came true", "forecasts"),
            [(f"{p:.4f}", f"{o:.4f}", f"{count:,}") for p, o, count in bins],
        ),
        "",
    ]


_IDENTITY = ("model_id", "dataset", "features_code_version", "code_version", "booster_sha256")


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(headings)} |",
        f"|{'---|' * len(headings)}",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]


def _cells(scores: Mapping[str, float]) -> list[str]:
    if scores["rows"] == 0:
        return ["0", *["-"] * (len(_SCORES) - 1)]
    return [f"{scores['rows']:,.0f}", *(f"{scores[name]:.5f}" for name in _SCORES[1:])]


def _picture(summary: Mapping[str, Any]) -> bytes:
    """Draw reliability, features and scores side by side."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 3.6), dpi=90, layout="constrained")
    curve, features, scores = figure.subplots(1, 3)
    confidence = summary["confidence"]
    if confidence["curve"] is not None:
        colour = "C0" if confidence["published"] else "C3"
        draw_reliability(curve, confidence["curve"], colour=colour)
    curve.set_title("confidence " + ("published" if confidence["published"] else "not published"))

    shown = list(summary["gains"].items())[:_SHOWN_FEATURES][::-1]
    features.barh([name for name, _ in shown], [share for _, share in shown], color="C0")
    features.set_title("share of gain")
    features.tick_params(axis="y", labelsize=7)

    known = {name: s for name, s in summary["scores"].items() if s["rows"]}
    scores.bar(list(known), [s["r2"] for s in known.values()], color=["C0", *["0.7"] * len(known)])
    scores.axhline(0, color="0.3", lw=0.8)
    scores.set_title("R² out of fold, against saying nothing")

    figure.suptitle(f"{summary['horizon']} forecast model for {summary['month']}")
    return png(figure)
