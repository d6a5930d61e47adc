"""Whatever stands on whatever: the blast radius of a version is what going round finds."""

import dataclasses
import tempfile
from decimal import Decimal

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets import bootstrap
from trading_assets.domain.bar import Bar
from trading_assets.domain.events import BarReady, OrderIntentCreated, SessionOpened
from trading_assets.domain.ids import Month, Symbol, canonical_json
from trading_assets.domain.order import OrderSide, OrderTicket, OrderType, TimeInForce
from trading_assets.settings import load_settings
from trading_assets.storage import pointers
from trading_assets.storage.journal import Journal
from trading_assets.strategies.spec import parse_spec
from trading_assets.workflows.blast_radius import BlastRadius, blast_radius
from trading_assets.workflows.desk import Desk
from trading_assets_tests.stand_ins.clock import JumpingClock

BTC, MARCH, MAY = Symbol("BTCUSDT"), Month(2024, 3), Month(2024, 5)
SPEC = parse_spec(
    "{name: mine, strategy: ema_trend, symbols: [BTCUSDT], cash: 10000,"
    " sizing: {mode: pct_of_equity, pos_pct: 30}}",
    where="test",
)
Node = tuple[str, str]

KINDS = ("scores", "forecasts", "bars_5m", "model", "backtest", "release", "orders")
steps = st.lists(
    st.tuples(
        st.sampled_from(KINDS),
        st.sampled_from([MARCH, MAY]),  # of tables; live orders are decided in May
        st.sets(st.integers(0, 20), max_size=2),  # made of these earlier steps
    ),
    min_size=2,
    max_size=12,
)


@dataclasses.dataclass
class Made:
    """One thing as the test knows it: the field and name that report it, and what it stands on."""

    field: str
    name: str
    node: Node
    on: dict[str, str]
    bars: str = ""  # address whose every version it stands on, besides


class Builder:
    """Puts things into a desk, and remembers what stands on what."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.made: list[Made] = []
        self.release = ""

    def add(self, kind: str, month: Month, on: dict[str, str]) -> None:
        number = len(self.made)
        match kind:
            case "model":
                self._model(number, on)
            case "backtest":
                files = {"metrics.json": b"{}", "checks.json": b"[]"}
                files["manifest.json"] = canonical_json({"inputs": on, "result_hash": "r"})
                run_id = f"{number:064x}"
                self.desk.runs.publish("mine", run_id, files)
                self.made.append(
                    Made("backtests", f"mine {run_id[:16]}", ("runs/mine", run_id), on)
                )
            case "release":
                self._release(number, on)
            case "orders":
                self._order(number)
            case _:
                self._table(kind, month, number, on)

    def _table(self, table: str, month: Month, number: int, on: dict[str, str]) -> None:
        ts = pl.Series("ts", [month.start], pl.Datetime("us", "UTC"))
        frame = pl.DataFrame({"ts": ts, "value": [number]})
        found, _ = self.desk.tables.publish(table, BTC, month, frame, code_version="1", parents=on)
        field = "forecasts" if table == "forecasts" else "partitions"
        self.made.append(Made(field, found.address, (found.address, found.version), on))

    def _model(self, number: int, on: dict[str, str]) -> None:
        facts = dict.fromkeys(("document", "booster", "card", "inputs"), "")
        model_id = f"{number:064x}"
        facts |= {"model_id": model_id, "parents": on, "files": {}, "probe": {}, "summary": {}}
        folder = self.desk.models.root / f"month={MARCH}"
        pointers.publish_exclusive(folder, "model-1h", pointers.sealed(facts))
        node = (f"forecast_model/1h/{MARCH}", model_id)
        self.made.append(Made("models", f"{node[0]} {model_id[:16]}", node, on))

    def _release(self, number: int, on: dict[str, str]) -> None:
        facts = {
            "spec": "mine", "run_id": "f" * 64, "decision_id": f"{number:064x}", "inputs": on,
            "order_types": [], "instruments": [], "models": {},
        }  # fmt: skip
        current = self.desk.releases.current("paper")
        release, _ = self.desk.releases.publish(
            "paper", facts, {"spec.yaml": SPEC.canonical_yaml().encode()},
            after=current.release_id if current else None,
        )  # fmt: skip
        self.release = release.release_id
        node = ("releases/paper", self.release)
        self.made.append(Made("releases", f"paper {self.release}", node, on))

    def _order(self, number: int) -> None:
        """Let a book of its own decide one order of the newest release, on a bar of May."""
        if not self.release:
            return
        book, ts = f"book{number}", MAY.start + 2 * 86_400_000_000
        ticket = OrderTicket(
            f"ta-{number}", "mine", BTC, OrderSide.BUY, OrderType.MARKET, TimeInForce.GTC,
            Decimal(1), ts,
        )  # fmt: skip
        folder = self.desk.settings.data_root / "live" / book
        with Journal(folder, book=book, epoch="wall", clock=self.desk.clock) as journal:
            journal.append([SessionOpened(ts, book, self.release, ())])
            bar = BarReady(ts, (Bar(BTC, ts, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1),), ())
            journal.append([bar, OrderIntentCreated(ts, ticket, 1)])
        on = {"releases/paper": self.release}
        own = Made("live_orders", f"{book} ta-{number}", (f"orders/{book}", ""), on)
        own.bars = f"bars_5m/BTCUSDT/{MAY}"
        self.made.append(own)


def reached(made: list[Made], start: Made) -> BlastRadius:
    """Say who stands on a version, by going round until nothing changes."""
    nodes, found = {start.node}, set()
    while True:
        more = {
            n
            for n, each in enumerate(made)
            if nodes & {*each.on.items()} or any(name == each.bars for name, _ in nodes)
        }
        if more <= found:
            break
        found |= more
        nodes |= {made[n].node for n in found}
    names: dict[str, set[str]] = {f.name: set() for f in dataclasses.fields(BlastRadius)}
    for n in found:
        names[made[n].field].add(made[n].name)
    names["partitions"].discard(start.node[0])
    names["forecasts"].discard(start.node[0])
    return BlastRadius(**{field: tuple(sorted(values)) for field, values in names.items()})


@settings(max_examples=25, deadline=None)
@given(steps)
def test_it_is_what_going_round_finds(steps: list[tuple[str, Month, set[int]]]) -> None:
    with tempfile.TemporaryDirectory() as home:
        desk = bootstrap.desk(load_settings({"TA_HOME": home}).settings)
        builder = Builder(dataclasses.replace(desk, clock=JumpingClock(1)))
        for kind, month, earlier in steps:
            named = [builder.made[i] for i in sorted(earlier) if i < len(builder.made)]
            on = dict(m.node for m in named if m.field != "live_orders")
            builder.add(kind, month, on)
        for start in builder.made:
            if start.field != "live_orders":
                assert blast_radius(desk, *start.node) == reached(builder.made, start)
