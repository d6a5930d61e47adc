"""The page of a sweep: every trial in and out of sample, and the parameters that made it so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from trading_assets.evaluation.in_and_out import (
    TriedTwice,
    chosen_in_sample,
    measured,
    rank_correlation_of,
)
from trading_assets.evaluation.page_shell import header, html_page, section
from trading_assets.evaluation.run_report import table

_MOST_LINES = 200
_MOST_ROWS = 25
_MOST_STEPS = 8
_BAD, _FAIR, _GOOD = (194, 54, 47), (138, 143, 152), (15, 127, 85)
_BEFORE, _AFTER = "Sharpe in sample", "Sharpe out of sample"
_MARGIN = {"l": 68, "r": 40, "t": 24, "b": 48}

Figure = Mapping[str, Any]


def sweep_page(name: str, facts: Mapping[str, str], trials: Sequence[TriedTwice]) -> bytes:
    """Give the page: one file that opens offline, as the report of a run.

    Args:
        name: of the sweep.
        facts: what is said of it under the title.
        trials: those that made a run.
    """
    both = sorted(measured(trials), key=lambda row: (-row[1], row[0].trial))
    shown = [trial for trial, *_ in both] or list(trials)
    figures = {"parallel": parallel_figure(shown[:_MOST_LINES])}
    parts = [header(f"Sweep {name}", *(f"{key}: {text}" for key, text in facts.items()))]
    if both:
        figures["scatter"] = scatter_figure(trials)
        parts.append(section("Did it last?", _chart("scatter"), _verdict(trials)))
    parts += [
        section("Parameters", _chart("parallel"), _lines_note(len(shown))),
        section("Best in sample", _best(shown[:_MOST_ROWS])),
    ]
    return html_page(f"Sweep {name}", "".join(parts), figures)


def scatter_figure(trials: Sequence[TriedTwice]) -> Figure:
    """Give Sharpe ratios out of sample against those in sample, the chosen trial ringed."""
    both, chosen = measured(trials), chosen_in_sample(trials)
    rows = [*both, *(row for row in both if row[0] is chosen)]
    ends = [value for _, *pair in both for value in pair]
    low, high = min(ends), max(ends)
    points = {
        "type": "scatter",
        "mode": "markers",
        "x": [before for _, before, _ in rows],
        "y": [after for _, _, after in rows],
        "text": [_told(trial) for trial, *_ in rows],
        "hovertemplate": "%{text}<br>in %{x:.2f}, out %{y:.2f}<extra></extra>",
        "marker": {
            "size": [8] * len(both) + [18],
            "color": ["#2563c9"] * len(both) + ["rgba(0,0,0,0)"],
            "line": {"color": "#c2362f", "width": [0] * len(both) + [2]},
        },
    }
    equal = {
        "type": "scatter",
        "mode": "lines",
        "x": [low, high],
        "y": [low, high],
        "hoverinfo": "skip",
        "line": {"color": "#8a8f98", "width": 1, "dash": "dash"},
    }
    return {
        "data": [equal, points],
        "layout": {
            "height": 460,
            "margin": _MARGIN,
            "showlegend": False,
            "hovermode": "closest",
            "xaxis": {"title": {"text": _BEFORE}, "zeroline": True},
            "yaxis": {"title": {"text": _AFTER}, "zeroline": True},
        },
    }


def parallel_figure(trials: Sequence[TriedTwice]) -> Figure:
    """Give one line per trial over axes of parameters and both Sharpe ratios.

    Values of a parameter stand at even distances in their order; ratios by their size. Drawn with
    plain lines: plotly's own kind of figure needs WebGL, and a policy that lets scripts be made.
    """
    names = [*(trials[0].params if trials else ()), _BEFORE, _AFTER]
    columns = [[_value(trial, name) for trial in trials] for name in names]
    heights = [
        _heights(column, ordered=name in names[:-2])
        for name, column in zip(names, columns, strict=True)
    ]
    data = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "x": names,
            "y": [column[row] for column in heights],
            "text": [str(_rounded(column[row])) for column in columns],
            "hovertemplate": f"trial {trial.trial}: %{{x}} %{{text}}<extra></extra>",
            "line": {"color": _colour(heights[-1][row]), "width": 1.2},
            "marker": {"size": 4},
            "connectgaps": False,
        }
        for row, trial in enumerate(trials)
    ]
    return {
        "data": data,
        "layout": {
            "height": 460,
            "margin": _MARGIN,
            "showlegend": False,
            "hovermode": "closest",
            "xaxis": {"type": "category", "showgrid": True},
            "yaxis": {"range": [-0.06, 1.06], "showticklabels": False, "showgrid": False},
            "annotations": _scale(names, columns, heights),
        },
    }


def _value(trial: TriedTwice, name: str) -> Any:
    return {_BEFORE: trial.before, _AFTER: trial.after}.get(name, trial.params.get(name))


def _heights(column: Sequence[Any], *, ordered: bool) -> list[float | None]:
    """Place values between 0 and 1; None has no place."""
    known = {value for value in column if value is not None}
    if ordered:
        steps = sorted(known, key=lambda v: (isinstance(v, str), v))
        places = {value: i / max(len(steps) - 1, 1) for i, value in enumerate(steps)}
    else:
        low, high = min(known, default=0.0), max(known, default=0.0)
        spread = (high - low) or 1.0
        places = {value: (value - low) / spread for value in known}
    return [None if value is None else places[value] for value in column]


def _scale(
    names: Sequence[str],
    columns: Sequence[Sequence[Any]],
    heights: Sequence[Sequence[float | None]],
) -> list[dict[str, Any]]:
    """Write the values beside their axis: a few steps of a parameter, both ends of a ratio."""
    found = []
    for name, column, places in zip(names, columns, heights, strict=True):
        marks = {
            place: value for place, value in zip(places, column, strict=True) if place is not None
        }
        all_steps = len(marks) <= _MOST_STEPS and name not in (_BEFORE, _AFTER)
        shown = sorted(marks) if all_steps else sorted(marks)[:: max(len(marks) - 1, 1)]
        found += [
            {
                "x": name,
                "y": place,
                "text": escape(str(_rounded(marks[place]))),
                "showarrow": False,
                "xanchor": "left",
                "xshift": 6,
                "font": {"size": 10},
            }
            for place in shown
        ]
    return found


def _rounded(value: Any) -> Any:
    return round(value, 3) if isinstance(value, float) else value


def _colour(height: float | None) -> str:
    """Give red for the worst out of sample, green for the best."""
    if height is None:
        return "rgba(138,143,152,0.4)"
    ends, share = ((_BAD, _FAIR), height * 2) if height < 0.5 else ((_FAIR, _GOOD), height * 2 - 1)
    mixed = (round(a + (b - a) * share) for a, b in zip(*ends, strict=True))
    return f"rgba({','.join(map(str, mixed))},0.75)"


def _told(trial: TriedTwice) -> str:
    params = ", ".join(f"{name} {value}" for name, value in trial.params.items())
    return escape(f"trial {trial.trial}: {params}")


def _verdict(trials: Sequence[TriedTwice]) -> str:
    both, chosen, rho = measured(trials), chosen_in_sample(trials), rank_correlation_of(trials)
    if chosen is None or chosen.after is None:
        return ""
    better = sum(after > chosen.after for _, _, after in both)
    told = (
        f"Ringed: trial {chosen.trial}, the best in sample. Out of sample its Sharpe ratio is "
        f"{chosen.after:.2f}, and {better} of {len(both)} trials are better there."
    )
    if rho is None:
        return told
    return (
        f"{told} Rank correlation of the parts: {rho:+.2f}; near 0 or below, choosing was chance."
    )


def _lines_note(count: int) -> str:
    note = "A line is a trial: green was good out of sample, red was bad."
    return f"{note} The best {_MOST_LINES} in sample of {count}." if count > _MOST_LINES else note


def _best(trials: Sequence[TriedTwice]) -> str:
    names = list(trials[0].params) if trials else []
    rows = [
        "<tr>"
        + "".join(
            f"<td>{escape(str(cell))}</td>"
            for cell in (
                trial.trial,
                *(trial.params[name] for name in names),
                _ratio(trial.before),
                _ratio(trial.after),
            )
        )
        + "</tr>"
        for trial in trials
    ]
    return table(["trial", *names, _BEFORE, _AFTER], rows)


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _chart(name: str) -> str:
    return f'<div class="chart" id="{name}"></div>'
