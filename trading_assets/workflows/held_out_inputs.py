"""What a reading of the months held out stands on: whole, of one time, and by models that saw none.

A candidate reads these months once, so nothing less than all of them may be spent on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from trading_assets.domain.bar import Timeframe
from trading_assets.domain.errors import MissingPartition
from trading_assets.domain.ids import Month
from trading_assets.domain.instants import time_text
from trading_assets.storage.partition_store import Manifest, PartitionStore
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.frame_span import reach
from trading_assets.workflows.held_out import held_out_text
from trading_assets.workflows.listing import listed_part
from trading_assets.workflows.market_tables import bars_table
from trading_assets.workflows.provenance import partition_from_address
from trading_assets.workflows.run_plan import RunPlan

_SIZES = {bars_table(size): size for size in Timeframe}
_SHOWN = 6


def require_readable(desk: Desk, plan: RunPlan) -> None:
    """Refuse a plan of the months held out that is not all that they will be.

    Bars reach to the end of each month, those behind forecasts, regimes and the universe as well.
    All that these stand on, directly or through others, is what is current. And forecasts are by
    the current models of their months, which learned from nothing held out.

    Args:
        desk: holds tables and models.
        plan: of the months held out.

    Raises:
        MissingPartition: naming what is missing, cut, out of date or knows too much.
        CorruptFile: if a manifest is damaged.
    """
    made = [manifest for part in plan.parts for manifest in _made(part)]
    links = tuple(_behind(desk.tables, made))
    _refuse(
        "The months held out are not all there yet",
        _missing(desk, plan) or _cut(desk, plan, [current for *_, current in links]),
        expected=f"whole months {held_out_text(desk.settings)}",
        fix="Materialise them, or wait until they are over.",
    )
    _refuse(
        "What was made of the months held out is out of date",
        (
            f"{manifest.address} was made of another version of {current.address}"
            for manifest, version, current in links
            if current.version != version
        ),
        expected="all of it made of what is current",
        fix="Materialise it again.",
    )
    _refuse(
        "Forecasts of the months held out are not by models that saw none of them",
        _seen(desk, plan),
        expected=f"models that learned from nothing after {_first(desk).shift(-1)}",
        fix="Train the models of these months again, then forecast them.",
    )


def forecast_by(plan: RunPlan) -> dict[str, str | None]:
    """Give the model behind each month of forecasts: address and horizon -> model id.

    None stands where the month was forecast before the horizon was asked for.
    """
    return {
        f"{manifest.address} {horizon}": model_id
        for manifest, horizon, model_id in _forecasts(plan)
    }


def _made(part: RunPlan) -> Iterator[Manifest]:
    """Give what was made of bars and is read in the months of a plan."""
    yield from (m for (_, month), m in sorted(part.forecasts.items()) if month in part.months)
    yield from part.regimes.values()
    yield from part.universe.values()


def _behind(
    tables: PartitionStore, made: Iterable[Manifest]
) -> Iterator[tuple[Manifest, str, Manifest]]:
    """Give who stands on what, down to bars: a manifest, a version it names, and the current one.

    Parents that are hashes of rules, and models, are left out.
    """
    waiting, seen = list(made), set[str]()
    while waiting:
        manifest = waiting.pop()
        for name, version in sorted(manifest.parents.items()):
            place = partition_from_address(name)
            current = tables.current(*place) if place is not None else None
            if current is None:
                continue
            yield manifest, version, current
            if name not in seen and current.table not in _SIZES:
                seen.add(name)
                waiting.append(current)


def _missing(desk: Desk, plan: RunPlan) -> list[str]:
    return [str(month) for month in desk.settings.holdout.months if month not in plan.months]


def _cut(desk: Desk, plan: RunPlan, behind: Iterable[Manifest]) -> list[str]:
    """Name bars of the months that end before their month does."""
    bars = [*(m for part in plan.parts for m in part.bars.values()), *behind]
    found = set[str]()
    for manifest in bars:
        size, symbol, month = _SIZES.get(manifest.table), manifest.symbol, manifest.month
        if size is None or symbol is None or month not in plan.months:
            continue
        until = reach(manifest, size)
        if until < listed_part(desk.settings, symbol, None, month.end)[1]:
            found.add(f"{manifest.address} reaches to {time_text(until)}")
    return sorted(found)


def _seen(desk: Desk, plan: RunPlan) -> Iterator[str]:
    """Name forecasts by models that are not current, or that learned from what is held out."""
    for manifest, horizon, model_id in _forecasts(plan):
        assert manifest.month is not None  # noqa: S101 - forecasts have one
        model = desk.models.current(manifest.month, horizon)
        if model is None or model.model_id != model_id:
            yield f"{manifest.address} is not by the current {horizon} model of the month"
            continue
        places = [partition_from_address(name) for name in model.parents]
        newest = max(place[2] for place in places if place is not None and place[2] is not None)
        if newest >= _first(desk):
            yield f"{manifest.address} is by a model that learned from {newest}"


def _forecasts(plan: RunPlan) -> Iterator[tuple[Manifest, str, str | None]]:
    """Give each month of forecasts that is read, its horizon, and the model that it names."""
    for part in plan.parts:
        horizon = part.strategy.horizon
        if horizon is None:
            continue
        for (_, month), manifest in sorted(part.forecasts.items()):
            if month in part.months:
                yield manifest, horizon, manifest.extra["models"].get(horizon)


def _first(desk: Desk) -> Month:
    return desk.settings.holdout.months[0]


def _refuse(what: str, names: Iterable[str], *, expected: str, fix: str) -> None:
    found = list(names)
    if found:
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise MissingPartition(
            what, expected=expected, found=f"{', '.join(found[:_SHOWN])}{more}", fix=fix
        )
