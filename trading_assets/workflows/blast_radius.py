"""Who has used one version of a partition: tables, models, runs, decisions, releases and orders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from trading_assets.workflows.desk import Desk
from trading_assets.workflows.lineage import Kind, Node, lineage, standing_on
from trading_assets.workflows.live_lineage import live_lineage
from trading_assets.workflows.run_plan import FORECASTS

SHOWN = 20


@dataclass(frozen=True, slots=True)
class BlastRadius:
    """What stands, directly or through others, on a version; each sorted.

    Attributes:
        partitions: addresses of other partitions, any version of them; forecasts stand apart.
        models: `forecast_model/1h/2024-03 <id>`.
        backtests: `<spec> <run id>`.
        decisions: `<book> <decision id>`.
        releases: `<book> <release id>`.
        forecasts: addresses.
        live_orders: `<folder of the book> <client order id>`: of such releases, or decided on bars
            that the partition has now.
        unread: journals that cannot be read, and why: their orders are not among these.
    """

    partitions: tuple[str, ...]
    models: tuple[str, ...]
    backtests: tuple[str, ...]
    decisions: tuple[str, ...]
    releases: tuple[str, ...]
    forecasts: tuple[str, ...] = ()
    live_orders: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    def shown(self, most: int = SHOWN) -> dict[str, list[str]]:
        """Give it for metadata: of long lists the beginning, and how many more there are."""
        return {
            kind: [*names[:most], *([f"and {len(names) - most} more"] if names[most:] else [])]
            for kind, names in asdict(self).items()
        }


def blast_radius(desk: Desk, address: str, version: str) -> BlastRadius:
    """Follow one version of a partition through everything that was made of it.

    Every version of every table, model, run, decision and release is looked at, also those that
    are no longer current: what was decided on rows that were restated later stays decided on them.

    Raises:
        CorruptFile: if the record of one of them is damaged.
    """
    return blast_radius_of(desk, [(address, version)])


def blast_radius_of(desk: Desk, nodes: Iterable[Node]) -> BlastRadius:
    """Follow several versions at once; see `blast_radius`."""
    starts = list(nodes)
    things = lineage(desk)
    live = live_lineage(desk, things)
    found: dict[Kind, set[str]] = defaultdict(set)
    for thing in standing_on((*things, *live.things), starts):
        found[thing.kind].add(thing.name)
    tables = found["partition"] - {address for address, _ in starts}
    forecasts = {name for name in tables if name.startswith(f"{FORECASTS}/")}
    orders = (order for name in found["orders"] for order in live.orders[name])
    return BlastRadius(
        partitions=tuple(sorted(tables - forecasts)),
        models=tuple(sorted(found["model"])),
        backtests=tuple(sorted(found["backtest"])),
        decisions=tuple(sorted(found["decision"])),
        releases=tuple(sorted(found["release"])),
        forecasts=tuple(sorted(forecasts)),
        live_orders=tuple(sorted(orders)),
        unread=live.unread,
    )
