"""The page of a walk-forward: days of each fold before and after its choice, and the choices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trading_assets.evaluation.page_shell import header, html_page, section
from trading_assets.evaluation.run_report import table

_INSIDE, _OUTSIDE = "#8a8f98", "#2563c9"
_NOTE = (
    "A box holds the middle half of a fold's days, the line in it is the median, the dashed one "
    "the mean. Grey is the training that the parameters were chosen on, blue the test after it. "
    "Where blue lies lower fold after fold, the choice was luck."
)


@dataclass(frozen=True, slots=True, eq=False)
class WalkedFold:
    """One fold as the page shows it.

    Attributes:
        span: first and last day of the test, for people.
        chosen: parameters, by their short names.
        inside, outside: float64 (D,), daily returns of training and test, in percent.
    """

    span: str
    chosen: Mapping[str, Any]
    inside: NDArray[np.float64]
    outside: NDArray[np.float64]


def walk_forward_page(name: str, facts: Mapping[str, str], folds: Sequence[WalkedFold]) -> bytes:
    """Give the page: one file that opens offline, as the report of a run.

    Args:
        name: of the sweep that was walked forward.
        facts: what is said of it under the title.
        folds: in time, at least one.
    """
    title = f"Walk-forward {name}"
    body = (
        header(title, *(f"{key}: {text}" for key, text in facts.items())),
        section("Days of each fold", '<div class="chart" id="folds"></div>', _NOTE),
        section("What was chosen", _choices(folds)),
    )
    return html_page(title, "".join(body), {"folds": folds_figure(folds)})


def folds_figure(folds: Sequence[WalkedFold]) -> Mapping[str, Any]:
    """Give two boxes per fold: daily returns of its training and of its test."""
    return {
        "data": [
            _boxes("training", [fold.inside for fold in folds], _INSIDE),
            _boxes("test", [fold.outside for fold in folds], _OUTSIDE),
        ],
        "layout": {
            "height": 460,
            "margin": {"l": 68, "r": 12, "t": 24, "b": 48},
            "boxmode": "group",
            "showlegend": True,
            "legend": {"orientation": "h", "y": 1.08},
            "xaxis": {"type": "category", "title": {"text": "fold"}},
            "yaxis": {"title": {"text": "return of a day, %"}, "zeroline": True},
        },
    }


def _boxes(name: str, days: Sequence[NDArray[np.float64]], colour: str) -> dict[str, Any]:
    return {
        "type": "box",
        "name": name,
        "x": [str(number) for number, one in enumerate(days) for _ in one],
        "y": [round(float(value), 4) for one in days for value in one],
        "boxmean": True,
        "boxpoints": "outliers",
        "marker": {"color": colour, "size": 3},
        "line": {"width": 1.2},
    }


def _choices(folds: Sequence[WalkedFold]) -> str:
    names = list(folds[0].chosen)
    rows = []
    for number, fold in enumerate(folds):
        means = (_mean(fold.inside), _mean(fold.outside))
        cells = (number, fold.span, *(fold.chosen[name] for name in names), *means)
        rows.append("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in cells) + "</tr>")
    headings = ["fold", "test", *names, "mean day in training, %", "in test, %"]
    return table(headings, rows)


def _mean(days: NDArray[np.float64]) -> str:
    return f"{days.mean():+.3f}" if len(days) else "-"
