"""The universe of a month: which symbols may be traded in it, by what was known before it began."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from trading_assets.domain.bar import DAY
from trading_assets.domain.ids import Micros, Month, Symbol
from trading_assets.market.bar_frame import TS, between, instant, schema_of
from trading_assets.market.table_columns import UNIVERSE_COLUMNS

UNIVERSE_SCHEMA = schema_of(UNIVERSE_COLUMNS)

SLACK: Micros = 7 * DAY
"""Weekends and holidays: a symbol has a look-back when it has a bar in the week before its start,
and is traded when it has one in the week before its end."""


@dataclass(frozen=True, slots=True)
class UniverseRules:
    """What makes a member.

    Attributes:
        top_n: as many members as this, by median daily quote volume; 0 for all.
        look_back_days: calendar days before the month that are looked at.
        min_quote_volume: least median daily quote volume.
        min_roc_pct, max_roc_pct: bounds of the change of the close over the look-back, percent.
        exclude_news: whether a symbol with a news flag as the month begins is left out.
    """

    top_n: int = 0
    look_back_days: int = 28
    min_quote_volume: float = 0.0
    min_roc_pct: float = -100.0
    max_roc_pct: float = 1e9
    exclude_news: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is known of one symbol.

    Attributes:
        daily: daily bars (`ts, close, volume, quote_volume`), ascending; bars of the month and
            later ones are not looked at.
        listed, delisted: see `Instrument`.
        news: [from, to) of its news flags.
    """

    symbol: Symbol
    daily: pl.DataFrame
    listed: Micros | None = None
    delisted: Micros | None = None
    news: Sequence[tuple[Micros, Micros]] = ()


@dataclass(frozen=True, slots=True)
class _Judged:
    symbol: Symbol
    volume: float | None
    roc: float | None
    news: bool
    reason: str | None


def look_back_start(month: Month, rules: UniverseRules) -> Micros:
    """Give the first instant of the look-back; it ends as the month begins."""
    return month.start - rules.look_back_days * DAY


def universe_of(
    month: Month, candidates: Sequence[Candidate], rules: UniverseRules
) -> pl.DataFrame:
    """Give the universe of a month (UNIVERSE_SCHEMA), members first, by rank.

    Nothing that happens at or after the first instant of the month has any influence: neither
    bars, nor a listing or delisting, nor a news flag. Ties of volume are decided by the symbol.
    """
    judged = [_judge(month, candidate, rules) for candidate in candidates]
    passed = sorted(
        (j for j in judged if j.reason is None), key=lambda j: (-(j.volume or 0.0), j.symbol)
    )
    others = sorted((j for j in judged if j.reason is not None), key=lambda j: j.symbol)
    rows: list[tuple[_Judged, int | None, str | None]] = []
    for rank, each in enumerate(passed, start=1):
        inside = not rules.top_n or rank <= rules.top_n
        reason = None if inside else f"rank {rank} is beyond the first {rules.top_n}"
        rows.append((each, rank, reason))
    rows += [(each, None, each.reason) for each in others]
    return pl.DataFrame(
        [
            (month.start, each.symbol, rank, each.volume, each.roc, each.news, not reason, reason)
            for each, rank, reason in rows
        ],
        schema={**UNIVERSE_SCHEMA, "valid_from": pl.Int64},
        orient="row",
    ).cast({"valid_from": TS})


def _judge(month: Month, candidate: Candidate, rules: UniverseRules) -> _Judged:
    """Look at one symbol; the first rule that it breaks is the reason."""
    start = look_back_start(month, rules)
    seen = candidate.daily.filter(between(start - SLACK, month.start)).sort("ts")
    before = seen.filter(pl.col("ts") < instant(start + DAY))
    inside = seen.filter(pl.col("ts") >= instant(start))
    volume, roc = _median_quote_volume(inside), _change_pct(before, inside)
    news = any(begin <= month.start < end for begin, end in candidate.news)
    reason = _why_not_listed(month, candidate, start) or _why_no_history(month, before, inside)
    if reason is not None:
        return _Judged(candidate.symbol, volume, roc, news, reason)
    return _Judged(candidate.symbol, volume, roc, news, _why_ruled_out(volume, roc, news, rules))


def _why_not_listed(month: Month, candidate: Candidate, start: Micros) -> str | None:
    if candidate.delisted is not None and candidate.delisted <= month.start:
        return "delisted before the month"
    if candidate.listed is not None and candidate.listed >= month.start:
        return "not listed before the month"
    if candidate.listed is not None and candidate.listed > start:
        return "listed inside the look-back"
    return None


def _why_no_history(month: Month, before: pl.DataFrame, inside: pl.DataFrame) -> str | None:
    if inside.is_empty():
        return "no bars in the look-back"
    if before.is_empty():
        return "history begins inside the look-back"
    if inside.filter(pl.col("ts") >= instant(month.start - SLACK)).is_empty():
        return "no bars in the week before the month"
    return None


def _why_ruled_out(
    volume: float | None, roc: float | None, news: bool, rules: UniverseRules
) -> str | None:
    if rules.min_quote_volume > 0 and (volume is None or volume < rules.min_quote_volume):
        found = "not known" if volume is None else f"{volume:.6g}"
        return f"quote volume {found} is below {rules.min_quote_volume:.6g}"
    if roc is not None and not rules.min_roc_pct <= roc <= rules.max_roc_pct:
        return f"change {roc:.4g} % is outside {rules.min_roc_pct:g} to {rules.max_roc_pct:g}"
    if news and rules.exclude_news:
        return "news flag as the month begins"
    return None


def _median_quote_volume(inside: pl.DataFrame) -> float | None:
    """Give the median per daily bar; where it is not known, volume times close stands for it."""
    value = pl.coalesce(pl.col("quote_volume"), pl.col("volume") * pl.col("close"))
    found = inside.select(value.median()).item()
    return None if found is None else float(found)


def _change_pct(before: pl.DataFrame, inside: pl.DataFrame) -> float | None:
    """Give the change from the last close at the start of the look-back to the last one in it."""
    if before.is_empty() or inside.is_empty():
        return None
    return (float(inside["close"][-1]) / float(before["close"][-1]) - 1) * 100
