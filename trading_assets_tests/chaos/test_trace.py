"""Orders of two live books traced to the vendor's bytes; one flipped bit, and who rests on it."""

from __future__ import annotations

import json
import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from trading_assets.bootstrap import desk as open_desk
from trading_assets.domain.bar import Timeframe
from trading_assets.domain.events import OrderFilled, OrderIntentCreated
from trading_assets.domain.ids import Month, Symbol
from trading_assets.exchange.server import ExchangeConfig, running_exchange
from trading_assets.interfaces.cli.main import app
from trading_assets.settings import load_settings
from trading_assets.storage.journal_reader import JournalReader
from trading_assets.workflows.blast_radius import blast_radius, blast_radius_of
from trading_assets.workflows.build_features import build_features
from trading_assets.workflows.forecast_month import forecast_month
from trading_assets.workflows.ingest_month import ingest_month
from trading_assets.workflows.list_instruments import publish_instruments
from trading_assets.workflows.named_version import find_versions
from trading_assets.workflows.publish_bars import publish_bars_1m
from trading_assets.workflows.resample_month import resample_month
from trading_assets.workflows.run_backtest import run_backtest
from trading_assets.workflows.run_live import run_live
from trading_assets.workflows.strategy_specs import find_any
from trading_assets.workflows.trace import trace_all, trace_order
from trading_assets.workflows.train_month import train_month
from trading_assets_tests.stand_ins.damage import flipped
from trading_assets_tests.stand_ins.promoted import promote

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(900)]

BTC, SOL = Symbol("BTCUSDT"), Symbol("SOLUSDT")
FEBRUARY, MARCH, APRIL = Month(2024, 2), Month(2024, 3), Month(2024, 4)
START = int(datetime(2024, 4, 1, tzinfo=UTC).timestamp()) * 1_000_000
SIZED = """
cash: 10000
sizing: {mode: pct_of_equity, pos_pct: 30.0, cash_buffer_pct: 2.0, rebalance_pct: 10.0}
costs: {fees_bps: 10.0}
"""
SPECS = {
    "eager": "strategy: ema_trend\nparams: {fast: 1, slow: 3}\nsymbols: [BTCUSDT]" + SIZED,
    "guess": "strategy: forecast_driven\nparams: {entry_bps: 0.01, min_confidence: 0.0}\n"
    "symbols: [BTCUSDT, SOLUSDT]" + SIZED,
    "swift": "strategy: ema_trend\nparams: {fast: 1, slow: 3}\nsymbols: [SOLUSDT]" + SIZED,
    "both": "members:\n  - {spec: eager, allocation_pct: 30}\n  - {spec: guess, allocation_pct: 40}"
    "\n  - {spec: swift, allocation_pct: 30}\ncash: 10000\ncosts: {fees_bps: 10}\n",
}
BOOKS = ("demo", "rules")


@pytest.fixture(scope="module")
def environ(tmp_path_factory):
    """A home with three specs, and a book without a venue beside the demo's."""
    home = tmp_path_factory.mktemp("home")
    (home / "specs").mkdir()
    for name, text in SPECS.items():
        (home / "specs" / f"{name}.yaml").write_text(f"name: {name}\n{text}")
    return {
        "TA_HOME": str(home),
        "TA_SPECS_DIR": str(home / "specs"),
        "TA_SYMBOLS": '["BTCUSDT", "SOLUSDT"]',
        "TA_HISTORY_START": "2024-02",
        "TA_MODEL__HORIZONS": '["1h"]',
        "TA_MODEL__ROUNDS": "30",
        "TA_MODEL__LEARNING_RATE": "0.1",
        "TA_LIVE__POLL_S": "0.05",
        "TA_LIVE__LATE_BAR_S": "36000",  # a slow machine is late at this pace
        "TA_BOOKS__RULES__VENUE": "simulated",
        "TA_BOOKS__RULES__ACCOUNT": "rules",
        "TA_BOOKS__RULES__TRADES": "plain",
    }


def _publish_month(desk, symbol, month):
    ingest_month(desk, symbol, month)
    publish_bars_1m(desk, symbol, month)
    resample_month(desk, symbol, month, Timeframe.M5)
    build_features(desk, symbol, month)


@pytest.fixture(scope="module")
def desk(environ):
    """Two months of everything, and two books that have traded releases of it."""
    made = open_desk(load_settings(environ).settings)
    for month in (FEBRUARY, MARCH):
        for symbol in (BTC, SOL):
            _publish_month(made, symbol, month)
    publish_instruments(made)
    for month in (MARCH, APRIL):
        train_month(made, month)
    for symbol in (BTC, SOL):
        forecast_month(made, symbol, MARCH)
    for book, name in (("paper", "both"), ("plain", "eager")):
        spec = find_any(made.settings, name)
        promote(made, book, spec, run_backtest(made, spec).run)
    config = ExchangeConfig(start=START, warp=1200, sim_controls=True, weight_limit=10**9)
    with running_exchange(config) as exchange:
        environ["TA_EXCHANGE__PORT"] = str(exchange.port)
        live = open_desk(load_settings(environ).settings)
        for book in BOOKS:
            run_live(live, book, stop=threading.Event(), max_bars=100)
    return made


@pytest.fixture(scope="module")
def april(desk):
    """The desk, once the month in which the books traded was published too."""
    for symbol in (BTC, SOL):
        _publish_month(desk, symbol, APRIL)
    return desk


def traces(desk):
    return {(book, each.order_id): each for book in BOOKS for each in trace_all(desk, book=book)}


def flagged(found):
    assert {each.status for each in found.values()} <= {"equal", "differs"}
    return {key for key, each in found.items() if each.status == "differs"}


def raw_file(desk, symbol, month):
    (source,) = {s for s, *_ in desk.raw.months()}
    manifest = desk.raw.require(source, symbol, month)
    item = manifest.objects[1]
    return desk.raw.path(manifest, item), item.sha256


def test_every_order_of_the_books_is_traced_and_all_links_hold(desk):
    found = traces(desk)
    orders = {}
    for book in BOOKS:
        with JournalReader(desk.settings.data_root / "live" / book) as journal:
            events = [event for _, event in journal.read()]
        intents = [e.ticket for e in events if isinstance(e, OrderIntentCreated)]
        orders |= {(book, ticket.client_order_id): ticket for ticket in intents}
    assert found.keys() == orders.keys()
    assert len([key for key in orders if key[0] == "rules"]) > 4
    assert {ticket.tag for ticket in orders.values()} == {"eager", "guess", "swift"}

    wrong = [(k, x) for k, each in found.items() for x in each.links if x.status != "equal"]
    assert wrong == []
    for (book, order_id), each in found.items():
        kinds = {link.kind for link in each.links}
        assert {"journal", "decision", "signal", "bars", "release", "promotion", "run"} <= kinds
        assert ("forecast" in kinds) == (orders[book, order_id].tag == "guess")
        assert ("model" in kinds) == (book == "demo")
        assert sum(len(link.files) for link in each.of("raw")) > 80
        assert any("the history source, asked again" in link.said for link in each.of("bars"))


def test_the_command_finds_an_order_by_the_venues_id_and_ends_with_0(desk, environ, monkeypatch):
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    with JournalReader(desk.settings.data_root / "live" / "demo") as journal:
        fills = [e.fill for _, e in journal.read() if isinstance(e, OrderFilled)]
    fill = fills[0]
    for name in (fill.client_order_id, f"{fill.symbol}:{fill.venue_order_id}"):
        result = CliRunner().invoke(app, ["trace", name, "--book", "demo", "--json"])
        assert result.exit_code == 0, result.output
        assert json.loads(result.output)["order_id"] == fill.client_order_id
    assert trace_order(desk, f"{fill.symbol}:{fill.trade_id}").order_id == fill.client_order_id
    assert CliRunner().invoke(app, ["trace", "ta-nobody", "--book", "demo"]).exit_code != 0


@pytest.mark.parametrize(
    ("symbol", "month", "hit"),
    [
        (BTC, MARCH, {("demo", BTC), ("demo", SOL), ("rules", BTC)}),
        (SOL, MARCH, {("demo", BTC), ("demo", SOL)}),  # behind the run and the model of the release
        (SOL, APRIL, {("demo", SOL)}),  # only beside the bars that the book saw itself
        (BTC, APRIL, {("demo", BTC), ("rules", BTC)}),
    ],
)
def test_one_bit_of_a_raw_file_flags_the_orders_that_rest_on_it(april, symbol, month, hit):
    whole = traces(april)
    assert flagged(whole) == set()
    path, sha256 = raw_file(april, symbol, month)
    expected = {key for key, each in whole.items() if (key[0], each.order["symbol"]) in hit}
    assert len({(book, whole[book, name].order["symbol"]) for book, name in expected}) == len(hit)

    with flipped(path) as name:
        found = traces(april)
    assert flagged(found) == expected
    assert {found[key].damaged_files for key in expected} == {(name,)}

    (address,) = {node[0] for node in find_versions(april, sha256)}
    assert address == f"raw_klines/{symbol}/{month}"
    radius = blast_radius_of(april, find_versions(april, sha256[:16]))
    assert set(radius.live_orders) == {f"{book} {name}" for book, name in expected}


def test_recorded_bars_are_laid_beside_the_tables_once_those_are_there(april):
    for each in traces(april).values():
        name = f"recorded/{each.order['symbol']}/{APRIL}"
        (link,) = [link for link in each.of("bars") if link.name == name]
        assert link.status == "equal"
        assert f"against bars_5m/{each.order['symbol']}/{APRIL}" in link.said
        assert link.facts["recorded"] > 0


def test_a_model_or_a_row_of_features_flags_the_book_that_rests_on_it(april):
    (pin,) = april.releases.require("paper").models.values()
    model = april.models.get(pin["model_id"])
    features = april.tables.require("features_5m", SOL, MARCH)
    for path, node in (
        (april.models.path(model, model.booster), (model.address, model.model_id)),
        (april.tables.path(features), (features.address, features.version)),
    ):
        with flipped(path) as name:
            found = traces(april)
        expected = {key for key in found if key[0] == "demo"}
        assert flagged(found) == expected
        assert {found[key].damaged_files for key in expected} == {(name,)}
        radius = blast_radius(april, *node)
        assert set(radius.live_orders) == {f"demo {name}" for _, name in expected}


def test_a_file_of_a_release_flags_its_orders(april):
    release = april.releases.require("plain")
    with flipped(release.folder / "spec.yaml") as name:
        found = traces(april)
    assert flagged(found) == {key for key in found if key[0] == "rules"}
    assert {found[key].damaged_files for key in flagged(found)} == {(name,)}


def test_a_changed_row_flags_its_own_order_and_all_decisions_after_it(april):
    folder = april.settings.data_root / "live" / "rules"
    with JournalReader(folder) as journal:
        rows = list(journal.rows())
    fills = [row for row in rows if row.kind == OrderFilled.__name__]
    row = fills[len(fills) // 2]
    intents = {r.client_order_id: r.seq for r in rows if r.kind == OrderIntentCreated.__name__}
    expected = {("rules", name) for name, seq in intents.items() if seq > row.seq}
    expected |= {("rules", row.client_order_id)}
    assert 0 < len(expected) < len(intents)

    price = json.loads(row.body)["fill"]["price"]
    other = price[:-1] + str((int(price[-1]) + 1) % 10)
    _set_body(folder, row.seq, row.body.replace(price.encode(), other.encode()))
    try:
        found = traces(april)
    finally:
        _set_body(folder, row.seq, row.body)
    assert flagged(found) == expected
    (link,) = next(iter(found[key] for key in expected)).of("journal")
    assert link.name == str(folder / "journal.sqlite")
    assert f"row {row.seq}: a OrderFilled" in link.found
    assert flagged(traces(april)) == set()


def _set_body(folder, seq, body):
    with closing(sqlite3.connect(folder / "journal.sqlite")) as db, db:
        triggers = [s for (s,) in db.execute("SELECT sql FROM sqlite_master WHERE type='trigger'")]
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type='trigger'").fetchall():
            db.execute(f"DROP TRIGGER {name}")
        db.execute("UPDATE event SET body = ? WHERE seq = ?", (body, seq))
        for sql in triggers:
            db.execute(sql)
