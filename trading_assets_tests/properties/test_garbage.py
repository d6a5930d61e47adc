"""Whatever stands on whatever: garbage collection takes the rest, all of it, and nothing else."""

import dataclasses
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets import bootstrap
from trading_assets.domain.events import SessionOpened
from trading_assets.domain.ids import Micros, Month, Symbol, canonical_json
from trading_assets.market.history import VendorObject
from trading_assets.settings import load_settings
from trading_assets.storage import pointers
from trading_assets.storage.journal import Journal
from trading_assets.storage.partition_store import Manifest
from trading_assets.storage.raw_store import RawManifest
from trading_assets.strategies.spec import parse_spec
from trading_assets.workflows.collect_garbage import collect_garbage
from trading_assets.workflows.desk import Desk
from trading_assets_tests.stand_ins.clock import JumpingClock

BTC, MARCH, APRIL = Symbol("BTCUSDT"), Month(2024, 3), Month(2024, 4)
DAY: Micros = 86_400_000_000
SPEC = parse_spec(
    "{name: mine, strategy: ema_trend, symbols: [BTCUSDT], cash: 10000,"
    " sizing: {mode: pct_of_equity, pos_pct: 30}}",
    where="test",
)
Key = tuple[str, Month]
Node = tuple[str, str]

places = st.sampled_from(["raw", "one", "two"])
steps = st.lists(
    st.tuples(
        places,
        st.sampled_from([MARCH, APRIL]),
        st.integers(0, 2),  # content: equal ones share a file
        st.booleans(),  # raw: one file for all months
        st.sets(st.integers(0, 20), max_size=2),  # made of these earlier steps
    ),
    min_size=2,
    max_size=12,
)
referents = st.lists(
    st.tuples(
        st.sampled_from(["backtest", "model", "release", "journal"]),
        st.sets(st.integers(0, 20), min_size=1, max_size=2),
    ),
    max_size=3,
)


@dataclasses.dataclass
class Made:
    """One version as the test knows it: which place, number, name, parents and files."""

    key: Key
    n: int
    node: Node
    parents: dict[str, str]
    files: set[Path]
    day: int


def publish(
    desk: Desk, key: Key, content: int, parents: dict[str, str], *, shared: bool, day: int
) -> Made:
    """Publish a version that became current on a day."""
    place, month = key
    manifest: Manifest | RawManifest
    if place == "raw":
        name = VendorObject("day.zip", "zip_csv", MARCH.start, MARCH.end, True, shared=shared)
        objects = [(name, str(content).encode())]
        before = desk.raw.current("archive", BTC, month)
        manifest, _ = desk.raw.publish(
            "archive", BTC, month, objects, start=None, end=month.end + day, before=before
        )
        folder = desk.raw.folder("archive", BTC, month)
        node = (f"raw_klines/BTCUSDT/{month}", manifest.version)
        files = {desk.raw.path(manifest, item) for item in manifest.objects}
        parents = {}
    else:
        frame = pl.DataFrame({"value": [content]})
        manifest, _ = desk.tables.publish(
            place, BTC, month, frame, code_version=str(day), parents=parents
        )
        folder = desk.tables.folder(place, BTC, month)
        node = (manifest.address, manifest.version)
        files = {desk.tables.path(manifest)}
    path = folder / f"manifest-{manifest.n}.json"
    os.utime(path, ns=(day * DAY * 1000, day * DAY * 1000))
    for file in files:
        os.utime(file, ns=(0, 0))
    return Made(key, manifest.n, node, parents, {path, *files}, day)


def refer(desk: Desk, kind: str, number: int, named: dict[str, str]) -> None:
    """Let something that is no partition stand on versions."""
    if kind == "backtest":
        manifest = canonical_json({"inputs": named, "result_hash": "r"})
        files = {"manifest.json": manifest, "metrics.json": b"{}", "checks.json": b"[]"}
        desk.runs.publish("mine", f"{number:064x}", files)
    elif kind == "model":
        facts: dict[str, Any] = dict.fromkeys(("document", "booster", "card", "inputs"), "")
        facts |= {"model_id": f"{number:064x}", "parents": named, "files": {}}
        payload = pointers.sealed(facts | {"probe": {}, "summary": {}})
        pointers.publish_exclusive(desk.models.root / "month=2024-05", "model-1h", payload)
    else:
        facts = {"spec": "mine", "run_id": "0" * 64, "decision_id": f"{number:064x}"}
        facts |= {"order_types": [], "instruments": [], "models": {}, "inputs": named}
        files = {"spec.yaml": SPEC.canonical_yaml().encode()}
        current = desk.releases.current("paper")
        release, _ = desk.releases.publish(
            "paper", facts, files, after=current.release_id if current else None
        )
        if kind == "journal":
            folder = desk.settings.data_root / f"live/book{number}"
            book = Journal(folder, book=f"book{number}", epoch="wall", clock=desk.clock)
            book.append([SessionOpened(1, book.book, release.release_id, ())])
            book.close()


def staying(made: Sequence[Made], named: set[Node], cutoff_day: int) -> set[tuple[Key, int]]:
    """Say what must stay, by going round until nothing changes."""
    stays: set[tuple[Key, int]] = set()
    for key in {m.key for m in made}:
        versions = [m for m in made if m.key == key]
        for version, following in zip(versions, [*versions[1:], None], strict=True):
            if following is None or following.day >= cutoff_day:
                stays.add((key, version.n))
    while True:
        of_those_that_stay = {
            node for m in made if (m.key, m.n) in stays for node in m.parents.items()
        }
        more = {(m.key, m.n) for m in made if m.node in named | of_those_that_stay}
        if more <= stays:
            return stays
        stays |= more


def left(desk: Desk) -> set[tuple[Key, int]]:
    """List the versions that are there, after reading each."""
    found = set()
    for source, symbol, month in desk.raw.months():
        for raw in desk.raw.history(source, symbol, month):
            assert all(desk.raw.read(raw, item) for item in raw.objects)
            found.add((("raw", month), raw.n))
    for table, symbol, month in desk.tables.partitions():
        for manifest in desk.tables.history(table, symbol, month):
            assert desk.tables.read_manifest(manifest).height == 1
            assert month is not None
            found.add(((table, month), manifest.n))
    return found


@settings(max_examples=20, deadline=None)
@given(steps, referents, st.integers(1, 14))
def test_what_something_reaches_stays_and_all_the_rest_goes(
    steps: list[tuple[str, Month, int, bool, set[int]]],
    referents: list[tuple[str, set[int]]],
    grace_days: int,
) -> None:
    with tempfile.TemporaryDirectory() as home:
        desk = bootstrap.desk(load_settings({"TA_HOME": home}).settings)
        desk = dataclasses.replace(desk, clock=JumpingClock((len(steps) + 1) * DAY))
        made: list[Made] = []
        for day, (place, month, content, shared, earlier) in enumerate(steps, 1):
            parents = dict(made[i].node for i in sorted(earlier) if i < len(made))
            made.append(publish(desk, (place, month), content, parents, shared=shared, day=day))
        named: set[Node] = set()
        for number, (kind, indices) in enumerate(referents):
            inputs = dict(made[i].node for i in sorted(indices) if i < len(made))
            refer(desk, kind, number, inputs)
            named |= set(inputs.items())
        expected = staying(made, named, len(steps) + 1 - grace_days)
        found = collect_garbage(desk, grace_days=grace_days, delete=True)
        assert left(desk) == expected
        assert len(found.kept) == len(expected)
        assert found.removed.manifests == len(found.garbage) == len(made) - len(expected)
        files = {path for m in made if (m.key, m.n) in expected for path in m.files}
        roots = (desk.tables.root, desk.raw.root)
        assert files == {p for root in roots for p in root.rglob("*") if p.is_file()}
        again = collect_garbage(desk, grace_days=grace_days, delete=True)
        assert (again.garbage, again.removed.files, again.kept) == ((), 0, found.kept)
