"""A schedule told line by line, for whoever looks into a violation."""

from __future__ import annotations

from collections.abc import Iterator

from trading_assets.domain.bar import MINUTE
from trading_assets.simulation.virtual_time import START
from trading_assets.simulation.world import World


def story_of(world: World) -> Iterator[str]:
    """Yield what the journal holds and what the venue saw, in order of time."""
    lines = [
        (event.ts, f"journal {number:4d}  {type(event).__name__} {_facts(event)}")
        for number, event in enumerate(world.disk.events, 1)
    ]
    lines += [
        (sent.ts, f"sent          {sent.ticket.client_order_id} {sent.ticket.side.name}")
        for sent in world.wire.sent
    ]
    lines += [
        (fill.ts, f"venue         trade {fill.trade_id} of {fill.client_order_id} {fill.quantity}")
        for fill in world.venue.fills
    ]
    lines += [
        (ts, f"venue         refused {name} with {code}") for ts, name, code in world.venue.refused
    ]
    for ts, text in sorted(lines, key=lambda line: line[0]):
        yield f"{(ts - START) / MINUTE:9.4f} min  {text}"
    yield f"faults: {dict(sorted(world.plan.counts.items()))}"
    yield f"crashes: {dict(sorted(world.failpoints.crashes.items()))}"


def _facts(event: object) -> str:
    for name in ("client_order_id", "reason", "rule"):
        value = getattr(event, name, None)
        if value:
            return str(value)
    for name in ("ticket", "report", "fill"):
        inner = getattr(event, name, None)
        if inner is not None:
            status = getattr(inner, "status", "")
            return f"{inner.client_order_id} {getattr(status, 'value', '')}"
    return ""
