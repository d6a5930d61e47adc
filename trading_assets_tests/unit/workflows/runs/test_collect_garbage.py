"""Every kind of thing keeps what it was made of, and nothing else stays."""

import dataclasses
import os

import polars as pl
import pytest

from trading_assets.domain.errors import CorruptFile, MissingPartition, RecoveryError
from trading_assets.domain.events import SessionOpened
from trading_assets.domain.ids import Month, canonical_json
from trading_assets.evaluation.decision import SCHEMA, Decision
from trading_assets.market.history import VendorObject
from trading_assets.storage import pointers
from trading_assets.storage.journal import Journal
from trading_assets.strategies.spec import parse_spec
from trading_assets.workflows.blast_radius import blast_radius
from trading_assets.workflows.collect_garbage import collect_garbage
from trading_assets.workflows.decide import decide, recompute
from trading_assets.workflows.publish_release import publish_release
from trading_assets.workflows.run_backtest import run_backtest
from trading_assets.workflows.strategy_specs import find_spec
from trading_assets_tests.stand_ins.clock import JumpingClock

JANUARY = Month(2024, 1)
DAY = 86_400_000_000
NOW = 2_000_000_000_000_000  # 2033; every manifest here was published when the tests run, or set


@pytest.fixture
def later(make_desk):
    """An empty desk, years after whatever is published in it."""
    return dataclasses.replace(make_desk(TA_SYMBOLS='["BTCUSDT"]'), clock=JumpingClock(NOW))


def put(desk, value, *, table="scores", parents=(), published=None):
    frame = pl.DataFrame({"value": [value]})
    made, _ = desk.tables.publish(
        table,
        None,
        JANUARY,
        frame,
        code_version="1",
        parents={parent.address: parent.version for parent in parents},
    )
    if published is not None:
        path = desk.tables.folder(table, None, JANUARY) / f"manifest-{made.n}.json"
        os.utime(path, ns=(published * 1000, published * 1000))
    return made


def fetch(desk, data):
    described = VendorObject("day.zip", "zip_csv", JANUARY.start, JANUARY.end, True)
    before = desk.raw.current("archive", "BTCUSDT", JANUARY)
    return desk.raw.publish(
        "archive",
        "BTCUSDT",
        JANUARY,
        [(described, data)],
        start=None,
        end=JANUARY.end,
        before=before,
    )[0]


def put_run(desk, inputs, run_id="a" * 64):
    files = {
        "manifest.json": canonical_json({"inputs": inputs, "result_hash": "r"}),
        "metrics.json": b"{}",
        "checks.json": b"[]",
    }
    return desk.runs.publish("mine", run_id, files)[0]


def put_release(desk, inputs):
    spec = parse_spec(
        "{name: mine, strategy: ema_trend, symbols: [BTCUSDT], cash: 10000,"
        " sizing: {mode: pct_of_equity, pos_pct: 30}}",
        where="test",
    )
    facts = {
        "spec": "mine",
        "run_id": "b" * 64,
        "decision_id": "d" * 64,
        "order_types": ["MARKET"],
        "instruments": [],
        "models": {},
        "inputs": inputs,
    }
    files = {"spec.yaml": spec.canonical_yaml().encode()}
    return desk.releases.publish("paper", facts, files, after=None)[0]


def put_model(desk, parents):
    facts = {"model_id": "m" * 64, "inputs": "i", "parents": parents, "files": {}}
    facts |= {"document": "", "booster": "", "card": "", "probe": {}, "summary": {}}
    folder = desk.models.root / f"month={JANUARY}"
    pointers.publish_exclusive(folder, "model-1h", pointers.sealed(facts))


def pairs(manifest):
    return {manifest.address: manifest.version}


def collected(desk, **options):
    """Collect twice: first the list, then the removal, which must be of the same."""
    listed = collect_garbage(desk, **options)
    done = collect_garbage(desk, delete=True, **options)
    assert (listed.garbage, listed.kept) == (done.garbage, done.kept)
    assert listed.removed == dataclasses.replace(done.removed, swept=0)
    assert not desk.tables.verify().faults
    assert not desk.raw.verify().faults
    again = collect_garbage(desk, delete=True, **options)
    assert (again.garbage, again.removed.files, again.kept) == ((), 0, done.kept)
    return done


def numbers(judged):
    return [(each.address, each.n) for each in judged]


def why(found, manifest):
    return {(j.address, j.n): j.why for j in found.kept}.get((manifest.address, manifest.n))


def test_what_nothing_needs_goes_and_a_list_removes_nothing(later):
    put(later, 1)
    put(later, 2)
    listed = collect_garbage(later)
    assert (numbers(listed.garbage), listed.deleted) == ([("scores/2024-01", 1)], False)
    assert len(later.tables.history("scores", None, JANUARY)) == 2
    found = collected(later)
    assert (found.removed.manifests, found.removed.files) == (1, 1)
    assert found.removed.size_bytes > 0
    assert [(j.n, j.why) for j in found.kept] == [(2, "current")]


def test_grace_runs_from_when_a_version_was_replaced(later):
    first = put(later, 1, published=NOW - 900 * DAY)
    second = put(later, 2, published=NOW - 31 * DAY)
    put(later, 3, published=NOW - 29 * DAY)
    found = collect_garbage(later)
    assert (numbers(found.garbage), why(found, second)) == ([(first.address, 1)], "grace")
    assert why(collect_garbage(later, grace_days=32), first) == "grace"
    assert len(collected(later, grace_days=28).garbage) == 2


def test_a_partition_that_stays_keeps_its_parents_and_theirs(later):
    first = put(later, 1)
    child = put(later, 1, table="child", parents=[first])
    put(later, 1, table="grandchild", parents=[child])
    put(later, 2)
    put(later, 2, table="child")
    found = collected(later)
    assert found.garbage == ()
    assert why(found, first) == "partition child/2024-01"
    assert why(found, child) == "partition grandchild/2024-01"
    put(later, 2, table="grandchild")
    assert len(collected(later).garbage) == 3


def test_raw_months_are_kept_by_the_bars_made_of_them(later):
    old = fetch(later, b"old")
    later.tables.publish(
        "bars_1m",
        "BTCUSDT",
        JANUARY,
        pl.DataFrame({"value": [1]}),
        code_version="1",
        parents={"raw_klines/BTCUSDT/2024-01": old.version},
    )
    fetch(later, b"unused")
    fetch(later, b"new")
    found = collected(later)
    assert numbers(found.garbage) == [("archive/BTCUSDT/2024-01", 2)]
    assert later.raw.read(old, old.objects[0]) == b"old"


@pytest.mark.parametrize("kind", ["backtest", "model", "release"])
def test_whatever_names_a_version_keeps_it(later, kind):
    named, other = put(later, 1), put(later, 2)
    put(later, 3)
    {"backtest": put_run, "model": put_model, "release": put_release}[kind](later, pairs(named))
    found = collected(later)
    assert numbers(found.garbage) == [(other.address, other.n)]
    assert why(found, named).startswith(kind)
    assert later.tables.read_manifest(named)["value"].to_list() == [1]


def test_a_run_that_its_ledger_lacks_keeps_what_it_read(later):
    named = put(later, 1)
    put(later, 2)
    run = put_run(later, pairs(named))
    (run.folder.parent / "run-1.json").unlink()
    assert why(collected(later), named) == f"backtest mine {'a' * 16}"


def test_a_decision_stands_on_the_runs_it_looked_at(later):
    named = put(later, 1)
    put(later, 2)
    run = put_run(later, pairs(named))
    entry = {"spec": "mine", "run_id": run.run_id, "models": {}}
    inputs = {"candidates": [entry], "champion": None}
    document = {"schema": SCHEMA, "book": "paper", "inputs": inputs}
    later.releases.decisions.record(Decision(document))
    assert why(collected(later), named) == f"backtest mine {'a' * 16}"
    assert len(blast_radius(later, named.address, named.version).decisions) == 1


def journal(desk, release_id):
    folder = desk.settings.data_root / "live/paper"
    opened = Journal(folder, book="paper", epoch="wall", clock=desk.clock)
    opened.append([SessionOpened(1, "paper", release_id, ())])
    opened.close()
    return folder


def test_a_journal_stands_on_the_release_that_was_traded(later):
    named = put(later, 1)
    put(later, 2)
    release = put_release(later, pairs(named))
    (release.folder.parent / "release-1.json").unlink()
    journal(later, release.release_id)
    assert why(collected(later), named) == f"release paper {release.release_id}"


def damage(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    ("what", "error"),
    [
        ("tables/scores/month=2024-01/manifest-2.json", CorruptFile),
        ("raw/archive/symbol=BTCUSDT/month=2024-01/manifest-1.json", CorruptFile),
        ("models/month=2024-01/model-1h-1.json", CorruptFile),
        ("runs/mine/{run}/manifest.json", CorruptFile),
        ("releases/paper/{release}/spec.yaml", CorruptFile),
        ("releases/paper/release-1.json", CorruptFile),
        ("live/paper/watermark", RecoveryError),
    ],
)
def test_damage_stops_it_before_anything_is_removed(later, what, error):
    for value in (1, 2, 3):
        named = put(later, value)
        fetch(later, bytes([value]))
    put_model(later, pairs(named))
    run, release = put_run(later, pairs(named)), put_release(later, pairs(named))
    journal(later, release.release_id)
    assert len(collect_garbage(later).garbage) == 4
    path = later.settings.data_root / what.format(run=run.run_id, release=release.release_id)
    if path.name == "watermark":
        path.write_bytes(bytes(len(path.read_bytes())))
    else:
        damage(path)
    before = sorted(later.settings.data_root.rglob("*"))
    with pytest.raises(error):
        collect_garbage(later, delete=True)
    assert sorted(later.settings.data_root.rglob("*")) == before


def test_a_journal_whose_release_is_gone_stops_it(later):
    put(later, 1)
    put(later, 2)
    journal(later, "f" * 16)
    with pytest.raises(MissingPartition, match="names a release that is gone"):
        collect_garbage(later, delete=True)
    assert len(later.tables.history("scores", None, JANUARY)) == 2


def test_a_real_release_can_be_decided_again_after_everything_else_has_gone(desk, lay_bars):
    run = run_backtest(desk, find_spec(desk.settings, "ema_trend")).run
    decision = decide(desk, "paper")
    publish_release(desk, "paper", decision.decision_id)
    symbol = run.manifest["instruments"][0]["symbol"]
    named = desk.tables.require("bars_5m", symbol, JANUARY)
    lay_bars(desk, symbol, 9)
    between = desk.tables.require("bars_5m", symbol, JANUARY)
    lay_bars(desk, symbol, 10)
    found = collected(dataclasses.replace(desk, clock=JumpingClock(NOW)))
    assert (between.address, between.n) in numbers(found.garbage)
    assert why(found, named).split()[0] in {"backtest", "release"}
    assert desk.tables.read_manifest(named).height == named.rows
    assert recompute(desk, decision.decision_id).payload == decision.payload
