import dataclasses

import pytest

from trading_assets.domain.errors import (
    ConfigurationError,
    ConflictError,
    CorruptFile,
    MissingPartition,
)
from trading_assets.evaluation.decision import Decision
from trading_assets.live.signal_desk import SharedDesk
from trading_assets.workflows.decide import decide
from trading_assets.workflows.live_book import live_book
from trading_assets.workflows.publish_release import publish_or_keep, publish_release
from trading_assets.workflows.release_parts import machine_factory, session_setup, signal_desk
from trading_assets.workflows.run_backtest import run_backtest
from trading_assets.workflows.strategy_specs import find_any, find_spec


@pytest.fixture
def run(desk):
    return lambda name: run_backtest(desk, find_spec(desk.settings, name)).run


def test_a_release_holds_everything_that_an_executor_needs(desk, run):
    stored = run("ema_trend")
    decision = decide(desk, "paper")
    release = publish_release(desk, "paper", decision.decision_id)
    assert desk.releases.current("paper") == release
    assert release.decision_id == decision.decision_id
    assert release.spec.spec_hash == find_spec(desk.settings, "ema_trend").spec_hash
    assert [i.symbol for i in release.instruments] == list(release.spec.symbols)
    assert release.spec.engine_setup(release.instruments).account.cash == 100_000
    assert {t.name for t in release.order_types} == {"MARKET"}
    assert release.facts["inputs"] == stored.manifest["inputs"]
    assert release.models == {}
    assert Decision.from_payload(release.file("decision.json")) == decision


def test_a_decision_published_twice_is_one_release(desk, run):
    run("ema_trend")
    decision = decide(desk, "paper")
    first = publish_release(desk, "paper", decision.decision_id)
    decide(desk, "paper")  # a newer decision changes nothing about that
    assert publish_release(desk, "paper", decision.decision_id) == first
    assert len(desk.releases.history("paper")) == 1


def test_the_registry_follows_the_ledger(desk, run, lay_bars):
    run("ema_trend")
    decision = decide(desk, "paper")
    release = publish_release(desk, "paper", decision.decision_id)
    publish_release(desk, "paper", decision.decision_id)
    (version,) = desk.experiments.versions
    assert version.name == "ta.ema_trend.paper"
    assert version.tags["release_id"] == release.release_id
    assert version.tags["decision_id"] == decision.decision_id
    (deflated,) = [rule for rule in decision.rules if rule["rule"] == "deflated_sharpe"]
    assert version.tags["dsr"] == f"{deflated['value']['deflated_sharpe']:.4f}"
    assert desk.experiments.aliases_held == {("ta.ema_trend.paper", "champion"): "1"}


def test_without_a_promotion_the_release_stands_and_its_aliases_are_put_back(desk, run):
    with pytest.raises(MissingPartition, match="Nothing was decided about book paper"):
        publish_or_keep(desk, "paper")
    run("ema_trend")
    decision = decide(desk, "paper")
    first = publish_or_keep(desk, "paper")
    assert first.decision_id == decision.decision_id
    assert decide(desk, "paper").verdict == "hold"
    desk.experiments.remove_alias("ta.ema_trend.paper", "champion")
    assert publish_or_keep(desk, "paper") == first
    assert desk.experiments.aliases_held == {("ta.ema_trend.paper", "champion"): "1"}


def test_only_the_newest_decision_about_a_book_is_published(desk, run, lay_bars):
    run("ema_trend")
    old = decide(desk, "paper")
    lay_bars(desk, "SOLUSDT", 9)
    run("ema_trend")
    new = decide(desk, "paper")
    with pytest.raises(ConflictError, match="no longer the newest"):
        publish_release(desk, "paper", old.decision_id)
    assert publish_release(desk, "paper", new.decision_id).decision_id == new.decision_id


def test_what_does_not_promote_is_not_published(desk, run):
    decision = decide(desk, "paper")
    with pytest.raises(ConfigurationError, match="does not promote"):
        publish_release(desk, "paper", decision.decision_id)
    run("ema_trend")
    promoting = decide(desk, "paper")
    with pytest.raises(ConfigurationError, match="does not promote anything to book demo"):
        publish_release(desk, "demo", promoting.decision_id)
    assert desk.releases.current("paper") is None


def test_evidence_that_was_altered_since_stops_the_release(desk, run):
    stored = run("ema_trend")
    decision = decide(desk, "paper")
    path = stored.folder / "trades.csv"
    path.write_bytes(path.read_bytes() + b" ")
    metrics = stored.folder / "metrics.json"
    metrics.write_bytes(metrics.read_bytes() + b" ")
    with pytest.raises(CorruptFile):
        publish_release(desk, "paper", decision.decision_id)
    assert desk.releases.current("paper") is None


def test_books_with_real_money_and_unknown_books_are_refused(desk, run, make_desk):
    run("ema_trend")
    decision = decide(desk, "paper")
    real = make_desk(
        TA_SYMBOLS='["BTCUSDT","SOLUSDT"]',
        TA_BOOKS='{"paper": {"venue": "binance", "account": "main"}}',
    )
    real = dataclasses.replace(real, experiments=desk.experiments)
    with pytest.raises(ConfigurationError, match="real money"):
        publish_release(real, "paper", decision.decision_id)
    held = decide(real, "paper")
    assert held.verdict == "hold"
    with pytest.raises(ConfigurationError, match="No such book"):
        publish_release(desk, "nowhere", decision.decision_id)


PORTFOLIO = """
name: both
members:
  - {spec: ema_trend, allocation_pct: 60}
  - spec:
      name: slow_trend
      strategy: ema_trend
      params: {fast: 8, slow: 30}
      symbols: [BTCUSDT, SOLUSDT]
      sizing: {mode: pct_of_equity, pos_pct: 50}
    allocation_pct: 40
cash: 50000
costs: {fees_bps: 10, slippage_bps: 3}
"""


def test_a_portfolio_is_decided_published_and_made_ready_to_trade(desk):
    folder = desk.settings.strategies_dir
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "both.yaml").write_text(PORTFOLIO)
    spec = find_any(desk.settings, "both")
    run_backtest(desk, spec)
    decision = decide(desk, "paper")

    release = publish_release(desk, "paper", decision.decision_id)

    assert release.spec.spec_hash == spec.spec_hash
    assert desk.releases.get(release.release_id).spec.name == "both"
    terms = session_setup(live_book(desk.settings, "paper"), release)
    assert terms.tags == ("ema_trend", "slow_trend")
    assert len(terms.signal_places) == sum(len(part.symbols) for part in spec.parts)
    machine = machine_factory(release).new()
    assert len(machine.positions()) == len(terms.signal_places)
    assert isinstance(signal_desk(release, {}), SharedDesk)
