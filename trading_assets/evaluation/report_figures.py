"""The charts of a run as plotly figures in plain values; the page gives them their colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from trading_assets.domain.ids import Micros, Symbol
from trading_assets.engine.signals import BarMatrix
from trading_assets.evaluation.report_series import short_depth, short_line, short_prices

MARKED = 2000
"""Of more trades, the charts mark the latest so many."""

Figure = dict[str, Any]
_BUY, _SELL = "triangle-up", "triangle-down"


def run_figure(
    bars: BarMatrix,
    symbols: Sequence[Symbol],
    trades: pl.DataFrame,
    equity: pl.DataFrame,
    oos_start: Micros,
    quote: str,
) -> Figure:
    """Give price with entries and exits, equity, and drawdown, over one axis of time.

    Args:
        bars: what the run saw; prices in quote.
        symbols: in the order of the bars; a trace belongs to one by its `legendgroup`.
        trades: round trips.
        equity: `ts_utc`, `equity`, `drawdown` after every bar.
        oos_start: the part from here on is shaded.
        quote: asset of prices and equity.
    """
    data: list[dict[str, Any]] = []
    for row, symbol in enumerate(symbols):
        data += _price_traces(bars, row, symbol)
        data += _trade_traces(trades.filter(pl.col("symbol") == symbol), symbol, quote)
    data += _equity_traces(equity, quote)
    end = int(bars.ts[-1]) // 1000
    layout: dict[str, Any] = {
        "height": 760,
        "margin": {"l": 68, "r": 12, "t": 10, "b": 34},
        "hovermode": "x unified",
        "showlegend": False,
        "dragmode": "zoom",
        "xaxis": _time_axis("y3"),
        "yaxis": _axis(f"price, {quote}", [0.46, 1.0]),
        "yaxis2": _axis(f"equity, {quote}", [0.20, 0.42]),
        "yaxis3": {**_axis("below peak, %", [0.0, 0.16]), "rangemode": "tozero"},
        "shapes": [_shade(oos_start // 1000, end)],
        "annotations": [_caption(oos_start // 1000)] if oos_start < int(bars.ts[-1]) else [],
    }
    return {"data": data, "layout": layout}


def overlay_figure(runs: Sequence[tuple[str, pl.DataFrame, float]]) -> Figure:
    """Give the equity of several runs as percent of their beginning, and their drawdowns.

    Args:
        runs: name, `ts_utc`/`equity`/`drawdown` after every bar, and opening equity of each.
    """
    data: list[dict[str, Any]] = []
    for number, (name, equity, opening) in enumerate(runs):
        ts = equity["ts_utc"].to_physical().to_numpy()
        gains = (equity["equity"].to_numpy() / opening - 1.0) * 100.0
        for axis, (x, y) in (
            ("y", short_line(ts, gains)),
            ("y2", short_depth(ts, equity["drawdown"].to_numpy())),
        ):
            data.append(
                {
                    **_line(f"run-{number}", x, y, axis),
                    "name": name,
                    "hovertemplate": "%{y:,.2f} %",
                }
            )
    layout: dict[str, Any] = {
        "height": 560,
        "margin": {"l": 68, "r": 12, "t": 10, "b": 34},
        "hovermode": "x unified",
        "showlegend": False,
        "dragmode": "zoom",
        "xaxis": _time_axis("y2"),
        "yaxis": {**_axis("net return, %", [0.34, 1.0]), "zeroline": True},
        "yaxis2": {**_axis("below peak, %", [0.0, 0.28]), "rangemode": "tozero"},
    }
    return {"data": data, "layout": layout}


def _price_traces(bars: BarMatrix, row: int, symbol: Symbol) -> list[dict[str, Any]]:
    x, high, low, close = short_prices(bars.ts, bars.high[row], bars.low[row], bars.close[row])
    quiet = {"hoverinfo": "skip", "legendgroup": symbol}
    return [
        {**_line("edge", x, low, "y"), **quiet},
        {**_line("range", x, high, "y"), **quiet, "fill": "tonexty"},
        {
            **_line("close", x, close, "y"),
            "name": symbol,
            "legendgroup": symbol,
            "hovertemplate": "%{y:,}",
        },
    ]


def _trade_traces(trades: pl.DataFrame, symbol: Symbol, quote: str) -> list[dict[str, Any]]:
    """Mark entries by their side, and exits by whether they gained."""
    shown = trades.tail(MARKED)
    pnl = shown["pnl"].cast(pl.Float64)
    long = (shown["side"] == "LONG").to_numpy()
    won = (pnl > 0).to_numpy()
    exits = [
        f"{reason}, {value:+,.2f} {quote}"
        for reason, value in zip(shown["exit_reason"], pnl, strict=True)
    ]
    entry, out = ("entry_ts_utc", "entry_price"), ("exit_ts_utc", "exit_price")
    return [
        _marks("buy", "bought", shown, entry, long, symbol, _BUY),
        _marks("sell", "sold short", shown, entry, ~long, symbol, _SELL),
        _marks("won", "exit with gain", shown, out, won, symbol, "circle", exits),
        _marks("lost", "exit with loss", shown, out, ~won, symbol, "circle", exits),
    ]


def _marks(
    role: str, name: str, trades: pl.DataFrame, at: tuple[str, str], chosen: np.ndarray,
    symbol: Symbol, mark: str, texts: Sequence[str] = (),
) -> dict[str, Any]:  # fmt: skip
    times = trades[at[0]].to_physical().to_numpy()[chosen] // 1000
    picked = [text for text, yes in zip(texts, chosen.tolist(), strict=False) if yes]
    return {
        "type": "scatter",
        "mode": "markers",
        "meta": role,
        "name": name,
        "legendgroup": symbol,
        "x": times.tolist(),
        "y": trades[at[1]].to_numpy()[chosen].tolist(),
        "yaxis": "y",
        "marker": {"symbol": mark, "size": _mark_size(len(trades)) + 2 * (mark != "circle")},
        "hovertemplate": "%{y:,}" + (" (%{text})" if texts else ""),
        **({"text": picked} if texts else {}),
    }


def _mark_size(trades: int) -> int:
    """Give marks in pixels that leave the price visible between them."""
    return 7 if trades <= 100 else 5 if trades <= 400 else 4


def _equity_traces(equity: pl.DataFrame, quote: str) -> list[dict[str, Any]]:
    ts = equity["ts_utc"].to_physical().to_numpy()
    value = short_line(ts, equity["equity"].to_numpy())
    depth = short_depth(ts, equity["drawdown"].to_numpy())
    return [
        {
            **_line("equity", *value, "y2"),
            "name": "equity",
            "hovertemplate": f"%{{y:,.2f}} {quote}",
        },
        {
            **_line("drawdown", *depth, "y3"),
            "name": "below peak",
            "fill": "tozeroy",
            "hovertemplate": "%{y:.2f} %",
        },
    ]


def _line(role: str, x: list[int], y: list[float], axis: str) -> dict[str, Any]:
    return {"type": "scatter", "mode": "lines", "meta": role, "x": x, "y": y, "yaxis": axis}


def _axis(title: str, domain: list[float]) -> dict[str, Any]:
    return {
        "title": {"text": title, "standoff": 8},
        "domain": domain,
        "zeroline": False,
        "automargin": "left",
        "tickformat": ",~f",
        "fixedrange": True,
        "nticks": 6,
    }


def _time_axis(anchor: str) -> dict[str, Any]:
    return {
        "type": "date",
        "anchor": anchor,
        "showgrid": False,
        "showspikes": True,
        "spikemode": "across",
        "spikethickness": 1,
        "spikedash": "dot",
        "hoverformat": "%Y-%m-%d %H:%M UTC",
    }


def _shade(start: int, end: int) -> Mapping[str, Any]:
    return {
        "type": "rect", "xref": "x", "yref": "paper", "x0": start, "x1": end, "y0": 0, "y1": 1,
        "line": {"width": 0}, "layer": "below",
    }  # fmt: skip


def _caption(start: int) -> Mapping[str, Any]:
    return {
        "x": start, "y": 1, "xref": "x", "yref": "paper", "text": "out of sample",
        "showarrow": False, "xanchor": "left", "yanchor": "top", "xshift": 4,
    }  # fmt: skip
