"""A run on half a screen: as text, and as HTML for a notebook's cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from trading_assets.evaluation.glossary import GLOSSARY, metric_text
from trading_assets.evaluation.report import thin

SHOWN = (
    "net_return_pct", "sharpe", "max_drawdown_pct", "num_trades", "win_rate", "profit_factor",
    "cagr_pct", "sortino", "turnover", "fees",
)  # fmt: skip
_WIDTH, _HEIGHT, _POINTS = 480, 96, 240


def summary_text(
    label: str, metrics: Mapping[str, Any], quote: str, facts: Mapping[str, str]
) -> str:
    """Give a title, the first metrics in two columns, and facts, one per line."""
    cells = [
        f"{GLOSSARY[name].label:<14}{metric_text(name, metrics[name], quote):>18}" for name in SHOWN
    ]
    half = -(-len(cells) // 2)
    lines = [
        "  " + "    ".join(cells[at :: half]) for at in range(half)
    ]  # fmt: skip
    return "\n".join([label, *lines, *(f"  {name}: {text}" for name, text in facts.items())])


def summary_html(
    label: str,
    metrics: Mapping[str, Any],
    quote: str,
    facts: Mapping[str, str],
    equity: Sequence[float],
) -> str:
    """Give the same as a small HTML block with a line of equity; it takes the reader's colours."""
    cells = "".join(
        f'<td style="text-align:left;padding:2px 20px 2px 0" title="{escape(GLOSSARY[n].meaning)}">'
        f'<div style="opacity:.65;font-size:11px">{escape(GLOSSARY[n].label)}</div>'
        f'<div style="font-size:15px">{escape(metric_text(n, metrics[n], quote))}</div></td>'
        + ("</tr><tr>" if at == len(SHOWN) // 2 - 1 else "")
        for at, n in enumerate(SHOWN)
    )
    lines = "".join(f"<div>{escape(n)}: {escape(text)}</div>" for n, text in facts.items())
    return (
        '<div style="font-family:system-ui,sans-serif;max-width:720px">'
        f'<div style="font-weight:600;margin-bottom:4px">{escape(label)}</div>{_line(equity)}'
        f'<table style="border-collapse:collapse"><tr>{cells}</tr></table>'
        f'<div style="opacity:.65;font-size:11px;margin-top:4px">{lines}</div></div>'
    )


def _line(values: Sequence[float]) -> str:
    picked = thin(values, _POINTS)
    low, high = min((v for _, v in picked), default=0.0), max((v for _, v in picked), default=0.0)
    spread, last = (high - low) or 1.0, max(len(values) - 1, 1)
    points = " ".join(
        f"{_WIDTH * at / last:.1f},{(_HEIGHT - 6) * (high - value) / spread + 3:.1f}"
        for at, value in picked
    )
    return (
        f'<svg width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}">'
        f'<polyline fill="none" stroke="#3987e5" stroke-width="1.5" points="{points}"/></svg>'
    )
