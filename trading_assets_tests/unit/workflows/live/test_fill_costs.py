"""What the fills of a book have cost, read from a journal of fills at known costs."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import numpy as np
import pytest
from typer.testing import CliRunner

from trading_assets.bootstrap import desk as open_desk
from trading_assets.defs.assets.costs import cost_checks, costs
from trading_assets.defs.resources import DeskResource
from trading_assets.domain.account import Fill
from trading_assets.domain.bar import DAY, Bar
from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.events import (
    BarReady,
    EquityMarked,
    OrderFilled,
    OrderIntentCreated,
    OrderSubmitted,
    SessionOpened,
)
from trading_assets.domain.ids import Month
from trading_assets.domain.order import OrderSide, OrderTicket, OrderType, TimeInForce
from trading_assets.interfaces.cli.main import app
from trading_assets.settings import load_settings
from trading_assets.storage.journal import Journal
from trading_assets.storage.release_store import Release
from trading_assets.strategies.spec import parse_spec
from trading_assets.workflows import code_hash
from trading_assets.workflows.costs_compared import compare, compare_specs, linear_rows
from trading_assets.workflows.fill_costs import ANOTHER_SIZE, NO_MARKET_ORDER, NO_VOLUME
from trading_assets.workflows.live_book import live_book
from trading_assets.workflows.publish_costs import (
    ALL,
    KNOWN_FROM,
    LINEAR,
    ROOT,
    cost_months,
    costs_table,
    publish_costs,
)
from trading_assets_tests.stand_ins.tiny_venue import BAR, SOL

SPEC = (
    "name: mine\nstrategy: ema_trend\nsymbols: [SOLUSDT]\ncash: 1000\n"
    "sizing: {mode: fixed, qty: 1}\ncosts: {fees_bps: 2.0, slippage_bps: 0.5}\n"
)
HALF_SPREAD, IMPACT, FEE = 1.5, 60.0, 7.5
APRIL, MAY = Month(2024, 4), Month(2024, 5)
SETTINGS = {"TA_FILL_COSTS__MIN_FILLS": "40", "TA_FILL_COSTS__MIN_DAYS": "10"}


@pytest.fixture(scope="module")
def release() -> Release:
    spec = parse_spec(SPEC, where="test")
    return Release("0123456789abcdef", "paper", Path(), {}, spec, (SOL,))


@pytest.fixture
def desk(tmp_path, release):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "mine.yaml").write_text(SPEC)
    where = {"TA_HOME": str(tmp_path), "TA_SPECS_DIR": "own", "TA_SYMBOLS": '["SOLUSDT"]'}
    opened = open_desk(load_settings({**where, **SETTINGS}).settings)
    releases = SimpleNamespace(
        get={release.release_id: release}.__getitem__, current=lambda _: release
    )
    return replace(opened, releases=releases)


def write(desk, release, first=APRIL, days=40, **odd):
    """Journal two orders a day at known costs; `odd` changes the first order, as told by name."""
    dice = np.random.default_rng(4)
    folder = live_book(desk.settings, "paper").folder
    with Journal(folder, book="paper", epoch="wall", clock=desk.clock) as journal:
        journal.append([SessionOpened(first.start, "paper", release.release_id, ())])
        for number in range(2 * days):
            start = first.start + number * DAY // 2
            lots = int(dice.integers(1, 20))
            ticket = OrderTicket(
                f"ta-{number}", "mine", SOL.symbol,
                OrderSide.BUY if number % 2 else OrderSide.SELL, OrderType.MARKET,
                TimeInForce.GTC, Decimal(lots), start,
            )  # fmt: skip
            ticket = replace(ticket, **(odd.get("ticket", {}) if number == 0 else {}))
            volume = odd.get("volume", 200.0) if number == 0 else 200.0
            worse = HALF_SPREAD + IMPACT * lots / 200.0 + dice.normal(0.0, 0.2)
            price = 100.0 * (1.0 + int(ticket.side) * worse / 10_000)
            quantity = odd.get("quantity", ticket.quantity) if number == 0 else ticket.quantity
            fill = Fill(
                SOL.symbol, str(number), ticket.client_order_id, "7", ticket.side,
                Decimal(repr(round(price, 6))), quantity,
                Decimal(repr(round(price, 6))) * quantity * Decimal("0.00075"), "USDT",
                start + BAR + 1_000_000,
            )  # fmt: skip
            for place in range(3):
                ts = start + place * BAR
                bar = Bar(SOL.symbol, ts, 100.0, 101.0, 99.0, 100.5, volume, 900.0, 3)
                journal.append([BarReady(ts, (bar,), ()), EquityMarked(ts, Decimal(1000), 0.0)])
                if place == 0:
                    journal.append([OrderIntentCreated(ts, ticket, 1)])
                    journal.append([OrderSubmitted(ts + BAR, ticket.client_order_id, 1, 5000)])
                if place == 1:
                    journal.append([OrderFilled(fill.ts, fill)])


def rows_of(desk, month):
    found = desk.tables.read(costs_table("paper"), None, month).to_dicts()
    return {(row["symbol"], row["model"]): row for row in found}


def test_costs_come_out_of_a_journal_as_they_went_in(desk, release):
    write(desk, release)
    published, found = publish_costs(desk, "paper", MAY)
    row = rows_of(desk, MAY)["SOLUSDT", LINEAR]

    assert (row["orders"], row["days"], len(found.orders)) == (80, 40, 80)
    assert row["half_spread_low"] <= HALF_SPREAD <= row["half_spread_high"]
    assert row["impact_low"] <= IMPACT <= row["impact_high"]
    assert row["impact_high"] - row["impact_low"] < 20.0
    assert row["taker_bps"] == FEE  # exactly what was paid
    assert row["maker_bps"] is None
    assert rows_of(desk, MAY)[ALL, LINEAR]["impact"] == row["impact"]
    assert rows_of(desk, MAY)["SOLUSDT", ROOT]["model"] == ROOT
    assert published.parents == {"journal/paper": found.journal}
    lots = np.array([order.share for order in found.orders]) * 200.0
    assert lots == pytest.approx(np.rint(lots))  # the engine's own share, read back from its price


def test_a_version_is_made_of_nothing_that_came_later(desk, release):
    write(desk, release)
    publish_costs(desk, "paper", APRIL)
    early = desk.tables.require(costs_table("paper"), None, APRIL)
    publish_costs(desk, "paper", MAY)
    late = desk.tables.require(costs_table("paper"), None, MAY)

    last = APRIL.start + 59 * DAY // 2
    assert cost_months(desk, "paper") == (APRIL, MAY)
    assert early.extra[KNOWN_FROM] == last + 2 * BAR  # the close of the bar that filled it
    assert APRIL.start < early.extra[KNOWN_FROM] < MAY.start < late.extra[KNOWN_FROM]
    assert not publish_costs(desk, "paper", APRIL)[0].changed  # what came since changes nothing
    assert desk.tables.require(costs_table("paper"), None, APRIL) == early


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        ({"ticket": {"type": OrderType.LIMIT, "limit_price": Decimal(101)}}, NO_MARKET_ORDER),
        ({"quantity": Decimal("0.500")}, ANOTHER_SIZE),
        ({"volume": 0.0}, NO_VOLUME),
    ],
)
def test_an_order_that_says_nothing_of_the_price_is_counted_and_left_out(
    desk, release, odd, reason
):
    write(desk, release, days=1, **odd)
    _, found = publish_costs(desk, "paper", APRIL)
    assert (len(found.orders), found.left_out) == (1, {reason: 1})
    assert len(found.fees) == 2  # its fee was paid all the same


def test_a_month_without_enough_fills_says_so(desk, release):
    write(desk, release, days=3)
    publish_costs(desk, "paper", APRIL)
    row = rows_of(desk, APRIL)["SOLUSDT", LINEAR]
    assert (row["half_spread"], row["used_impact"]) == (None, None)
    assert row["reason"] == "6 orders on 3 days; at least 40 on 10 are needed"
    assert row["taker_bps"] == FEE


def test_fills_of_the_engine_itself_are_no_evidence(tmp_path):
    books = {"TA_BOOKS__AIR__VENUE": "simulated", "TA_BOOKS__AIR__ACCOUNT": "air"}
    settings = load_settings({"TA_HOME": str(tmp_path), **books}).settings
    with pytest.raises(ConfigurationError, match="say nothing of costs"):
        publish_costs(open_desk(settings), "air", APRIL)


def test_a_spec_that_is_surely_cheaper_is_found(desk, release):
    write(desk, release)
    publish_costs(desk, "paper", MAY)
    manifest = desk.tables.require(costs_table("paper"), None, MAY)
    rows = linear_rows(desk.tables.read_manifest(manifest).to_dicts())

    (cheap,) = compare(release.spec, "paper", rows)
    assert cheap.cheaper == ("price", "fee")
    honest = SPEC.replace(
        "fees_bps: 2.0, slippage_bps: 0.5", "fees_bps: 7.5, half_spread_bps: 1.5, impact_bps: 60"
    )
    (fair,) = compare(parse_spec(honest, where="test"), "paper", rows)
    assert fair.cheaper == ()
    assert fair.charged_bps == pytest.approx(fair.paid_bps, abs=0.1)
    both = "name: both\nmembers: [{spec: mine, allocation_pct: 50}]\ncash: 1000\n"
    (desk.settings.specs_dir / "both.yaml").write_text(f"{both}costs: {{fees_bps: 2.0}}\n")
    found = {one.spec: one.cheaper for one in compare_specs(desk, "paper", manifest)}
    assert found["mine"] == found["both"] == ("price", "fee")


def test_the_code_of_a_version_is_all_that_fills_are_looked_at_by():
    """What it imports and does not count only reads journals and releases, or writes tables."""
    package, sources = Path(code_hash.__file__).parents[1], code_hash.COST_SOURCES
    files = [f for name in sources for f in [package / name, *(package / name).rglob("*.py")]]
    text = "".join(file.read_text() for file in files if file.suffix == ".py")
    used = {n.replace(".", "/") for n in re.findall(r"from trading_assets\.([\w.]+) import", text)}
    left_out = {n for n in used if f"{n}.py" not in sources and n.split("/")[0] not in sources}
    assert left_out == {
        "storage/journal_reader", "storage/partition_store", "storage/release_store",
        "workflows/code_hash", "workflows/desk", "workflows/live_book", "workflows/live_tables",
        "workflows/market_tables", "workflows/published",
    }  # fmt: skip


def test_the_command_line_prints_estimates_beside_specs(desk, release, monkeypatch):
    monkeypatch.setattr("trading_assets.interfaces.cli.costs.open_desk", lambda: desk)
    write(desk, release)
    measured = CliRunner().invoke(app, ["costs", "measure"])
    assert measured.output.count("new, version") == 2
    shown = CliRunner().invoke(app, ["costs", "show", "--json"])
    told = json.loads(shown.output)
    assert (told["month"], told["venue"]) == ("2024-05", "embedded")
    assert {row["symbol"] for row in told["estimates"]} == {"*", "SOLUSDT"}
    assert shown.exit_code == 1
    assert next(one for one in told["specs"] if one["spec"] == "mine")["cheaper"] == [
        "price",
        "fee",
    ]
    assert "SOLUSDT" in CliRunner().invoke(app, ["costs", "show"]).output


def test_the_asset_shows_a_picture_and_its_check_warns_of_cheap_specs(desk, release):
    class Given(DeskResource):
        def open(self):
            return desk

    write(desk, release)
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(
            [costs, cost_checks], partition_key="2024-05", instance=instance,
            resources={"desk": Given()},
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )  # fmt: skip
    (made,) = result.asset_materializations_for_node("costs")[:1]
    version = desk.tables.require(costs_table("paper"), None, MAY)
    assert made.metadata["paper row_hash"].value == version.version
    assert made.metadata["paper picture"].value.startswith("![costs of paper](data:image/png")
    (judged,) = result.get_asset_check_evaluations()
    assert (judged.passed, judged.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "mine on SOLUSDT of paper: price and fee" in judged.description
