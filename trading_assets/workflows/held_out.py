"""Months held out: research ends where they begin, until the settings move them on."""

from __future__ import annotations

from collections.abc import Sequence

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Micros, Month
from trading_assets.domain.instants import FOREVER, time_text
from trading_assets.settings import Settings


def research_end(settings: Settings) -> Month | None:
    """Give the first month that research does not look at; None when none is held out.

    Later months are closed as well: whoever had chosen on both sides of the months held out would
    know how they came out.
    """
    months = settings.holdout.months
    return months[0] if months else None


def is_open(settings: Settings, month: Month) -> bool:
    """Tell whether research may look at what a month earned."""
    end = research_end(settings)
    return end is None or month < end


def closed_text(settings: Settings) -> str:
    """Say for people what is closed and why; empty when nothing is held out."""
    months = settings.holdout.months
    if not months:
        return ""
    return f"held out: {held_out_text(settings)}; research ends where {months[0]} begins"


def held_out_text(settings: Settings) -> str:
    """Name the months held out, `2024-10 to 2024-12`; empty when there are none."""
    months = settings.holdout.months
    if len(months) <= 1:
        return "".join(map(str, months))
    return f"{months[0]} to {months[-1]}"


def open_months(settings: Settings, months: Sequence[Month]) -> tuple[Month, ...]:
    """Give those of some months that research may look at."""
    return tuple(month for month in months if is_open(settings, month))


def held_out_of(settings: Settings, months: Sequence[Month]) -> tuple[Month, ...]:
    """Give those of some months that are held out, without the later ones."""
    return tuple(month for month in months if month in settings.holdout.months)


def require_open(settings: Settings, span: tuple[Micros, Micros] | None) -> None:
    """Refuse a span that asks for months which are closed; one without an end is only bounded.

    Raises:
        ConfigurationError: if its end, or all of it, lies behind the beginning of the months held
            out.
    """
    end = research_end(settings)
    if end is None or span is None:
        return
    first, last = span
    if end.start < last < FOREVER or end.start <= first:
        raise ConfigurationError(
            f"The span reaches into months that are {closed_text(settings)}",
            expected=f"an end at or before {time_text(end.start)}",
            found=f"{time_text(first)} to {time_text(last)}",
            fix="End it there, or move [holdout] in the settings on, which decisions record.",
        )


def version_when(code_version: str, *, is_scored: bool) -> str:
    """Tell tables with the scores of a month from those without, so that either is made anew."""
    return code_version if is_scored else f"{code_version} unscored"
