"""A picture of what is there of a month: days x hours, coloured by the share of minutes."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from itertools import groupby

import dagster as dg

_CELL_W, _CELL_H, _LEFT, _TOP = 12, 8, 22, 12
_COLOURS = (
    (1.0, "#2a9d62", "every minute"),
    (0.9, "#9fd8a8", "90 % or more"),
    (0.5, "#f2c14e", "half or more"),
    (1e-9, "#e4713c", "less than half"),
    (0.0, "#a3142c", "nothing"),
)
_NOT_EXPECTED = "#d8d8d8"


def heat_map(shares: Sequence[Sequence[float | None]]) -> dg.MarkdownMetadataValue:
    """Draw rows of shares in [0, 1], None where nothing is expected; at most 20 kB of markdown."""
    encoded = base64.b64encode(_svg(shares).encode()).decode()
    seen = {_colour(share) for row in shares for share in row}
    meaning = [text for _, colour, text in _COLOURS if colour in seen]
    meaning += ["grey: not expected"] if _NOT_EXPECTED in seen else []
    image = f"![coverage](data:image/svg+xml;base64,{encoded})"
    return dg.MetadataValue.md(
        f"{image}\n\nDays down, hours (UTC) across; from the best to the worst hour: "
        f"{', '.join(meaning)}."
    )


def _svg(shares: Sequence[Sequence[float | None]]) -> str:
    hours = max(map(len, shares))
    width, height = _LEFT + hours * _CELL_W, _TOP + len(shares) * _CELL_H
    paths: dict[str, list[str]] = {}
    for day, row in enumerate(shares):
        hour = 0
        for colour, cells in groupby(row, _colour):
            n = len(list(cells))
            x, y = _LEFT + hour * _CELL_W, _TOP + day * _CELL_H
            span = n * _CELL_W - 1
            paths.setdefault(colour, []).append(f"M{x} {y}h{span}v{_CELL_H - 1}h-{span}z")
            hour += n
    drawn = "".join(f'<path fill="{c}" d="{"".join(d)}"/>' for c, d in paths.items())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'font-family="sans-serif" font-size="8" fill="#777">'
        f"{drawn}{_labels(len(shares), hours)}</svg>"
    )


def _labels(days: int, hours: int) -> str:
    across = (
        f'<text x="{_LEFT + hour * _CELL_W}" y="9">{hour:02d}</text>' for hour in range(0, hours, 6)
    )
    down = (
        f'<text x="4" y="{_TOP + day * _CELL_H + 7}">{day + 1:02d}</text>'
        for day in range(0, days, 5)
    )
    return "".join((*across, *down))


def _colour(share: float | None) -> str:
    if share is None:
        return _NOT_EXPECTED
    return next(colour for least, colour, _ in _COLOURS if share >= least)
