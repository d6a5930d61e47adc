"""Regimes on their way into a release and out of it: chosen, judged, pinned, proven, followed."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import polars as pl
import pytest

from trading_assets.domain.bar import DAY
from trading_assets.domain.errors import ConfigurationError, CorruptFile
from trading_assets.domain.ids import Month, canonical_json
from trading_assets.features.anchor import anchor
from trading_assets.features.regime import WARM_UP, RegimeParameters
from trading_assets.workflows import try_release
from trading_assets.workflows.blast_radius import blast_radius
from trading_assets.workflows.decide import decide
from trading_assets.workflows.frame_span import frame_start
from trading_assets.workflows.lineage import nodes_of_release
from trading_assets.workflows.live_release import _fits
from trading_assets.workflows.pinned_regimes import choose_regimes
from trading_assets.workflows.provenance import Provenance
from trading_assets.workflows.publish_release import publish_release
from trading_assets.workflows.release_parts import signal_desk
from trading_assets.workflows.run_backtest import run_backtest
from trading_assets.workflows.strategy_specs import find_spec
from trading_assets.workflows.trace_release import ReleaseTracer
from trading_assets.workflows.upstream_of_release import upstream_findings, upstream_watch
from trading_assets_tests.unit.workflows.runs.test_filtered_runs import TEXT, lay_regimes

JANUARY, FEBRUARY, MARCH = (Month(2024, n) for n in (1, 2, 3))
UNTIL = FEBRUARY.start + 6 * DAY
BTC, SOL = "BTCUSDT", "SOLUSDT"
TURBULENT = {JANUARY: 1e-4, FEBRUARY: 2e-4, MARCH: 3e-4}


def lay_parameters(desk, symbol, month, turbulent=None, *, unknown_because=""):
    """Publish a month's parameters, or that there are none; give them."""
    variances = (1e-5, turbulent or TURBULENT[month])
    found = RegimeParameters(variances, ((0.95, 0.05), (0.1, 0.9)))
    known = [] if unknown_because else [v**0.5 for v in found.variances]
    states = pl.DataFrame({"volatility": known}, schema={"volatility": pl.Float64})
    extra = {"parameters": found.plain, "parameters_sha256": found.sha256}
    if unknown_because:
        extra = {"parameters": None, "parameters_sha256": ""}
    desk.tables.publish(
        "regime_parameters", symbol, month, states, code_version="c",
        parents={"regimes/settings": "s"}, stands_for=unknown_because,
        extra={**extra, "unknown_because": unknown_because},
    )  # fmt: skip
    return found


@pytest.fixture
def calm(desk):
    """Give a spec that enters when calm, on hours that are all calm, with parameters before."""
    folder = desk.settings.strategies_dir
    folder.mkdir(parents=True, exist_ok=True)
    text = TEXT.replace("staged", "calm_trend") + "filters: {regime: {allow: [calm]}}\n"
    (folder / "calm_trend.yaml").write_text(text)
    for symbol in (BTC, SOL):
        for month in (JANUARY, FEBRUARY):
            lay_regimes(desk, symbol, month, lambda _: 0.0)
            lay_parameters(desk, symbol, month)
    return find_spec(desk.settings, "calm_trend")


def test_the_newest_parameters_that_the_run_could_have_known_are_chosen(desk, calm):
    lay_parameters(desk, SOL, MARCH)
    pins, unknown = choose_regimes(desk, calm, until=UNTIL)
    assert unknown == {}
    assert (pins[BTC]["month"], pins[SOL]["month"]) == ("2024-02", "2024-02")
    # The last bar of a month closes with it: what is frozen then is known.
    pins, _ = choose_regimes(desk, calm, until=FEBRUARY.end - 300_000_000)
    assert (pins[BTC]["month"], pins[SOL]["month"]) == ("2024-02", "2024-03")
    free = find_spec(desk.settings, "ema_trend")
    assert choose_regimes(desk, free, until=UNTIL) == ({}, {})


def test_a_symbol_without_regimes_holds_its_candidate_and_no_older_month_is_taken(desk, calm):
    lay_parameters(desk, SOL, FEBRUARY, unknown_because="one variance explains the returns as well")
    run_backtest(desk, calm)
    decision = decide(desk, "paper")
    rules = {rule["rule"]: rule for rule in decision.rules}
    held = rules["regimes_pinned"]
    assert decision.verdict == "hold"
    assert (held["passed"], held["on_fail"], set(held["value"])) == (False, "hold", {BTC})
    assert held["note"] == (
        "A live book would enter nothing: SOLUSDT: no regimes in 2024-02, one variance explains "
        "the returns as well."
    )
    assert rules["inputs_known_live"]["passed"]
    daily = calm.model_copy(update={"bar_size": "1d"})
    assert choose_regimes(desk, daily, until=UNTIL)[1][BTC] == "bars of 1d do not show its hours"


@pytest.fixture
def published(desk, calm):
    run_backtest(desk, calm)
    decision = decide(desk, "paper")
    assert decision.verdict == "promote", decision.document["reason"]
    return publish_release(desk, "paper", decision.decision_id)


def test_a_release_pins_the_parameters_with_their_month_version_and_hash(desk, published):
    node = ("regime_parameters/SOLUSDT/2024-02", published.regimes[SOL]["version"])
    parameters = RegimeParameters((1e-5, 2e-4), ((0.95, 0.05), (0.1, 0.9)))
    assert published.regimes[SOL] == {
        "month": "2024-02",
        "version": desk.tables.require("regime_parameters", SOL, FEBRUARY).version,
        "sha256": parameters.sha256,
        "code_version": "c",
        "document": "regimes/SOLUSDT.json",
    }
    assert published.file("regimes/SOLUSDT.json") == canonical_json(parameters.plain)
    assert node in nodes_of_release(published)
    signals = signal_desk(published, {})
    assert signals.history_start(MARCH) == anchor(FEBRUARY, WARM_UP)
    assert frame_start(desk.settings, published, "calm_trend", MARCH) == anchor(FEBRUARY, WARM_UP)
    radius = blast_radius(desk, *node)
    assert radius.releases == (f"paper {published.release_id}",)
    assert len(radius.decisions) == 1
    proven = next(ReleaseTracer(desk, Provenance(desk)).links(published))
    assert proven.status == "equal"
    assert f"{published.folder}/regimes/SOLUSDT.json" in {file.path for file in proven.files}
    (version,) = desk.experiments.versions
    assert version.tags["regimes.SOLUSDT"] == parameters.sha256
    # The same spec with the same parameters is what the book trades already.
    assert decide(desk, "paper").candidate is None
    assert upstream_findings(desk, published) == ()
    lay_parameters(desk, SOL, FEBRUARY, 9e-4)
    lay_parameters(desk, SOL, MARCH)
    found = upstream_findings(desk, published)
    assert [(f.address, f.kind) for f in found] == [(node[0], "aged"), (node[0], "restated")]
    told = upstream_watch(desk, published, lambda: 0.0)
    told()
    told.wait()
    look = told()
    assert look.findings == (str(found[1]),)
    assert look.aged == (f"{node[0]} is aged: those of 2024-03 are known, the release goes on",)


def test_what_a_book_may_take_over_has_all_of_its_parameters_to_the_byte(
    desk, published, monkeypatch, capsys
):
    facts = {**published.facts, "regimes": {BTC: published.regimes[BTC]}}
    lacking = dataclasses.replace(published, facts=facts)
    assert _fits(published, lacking)  # what is held does not depend on them
    with pytest.raises(ConfigurationError, match="pins no regimes of SOLUSDT"):
        signal_desk(lacking, {})
    path = published.folder / "regimes/SOLUSDT.json"
    path.write_bytes(path.read_bytes().replace(b"0.0002", b"0.0003"))
    with pytest.raises(CorruptFile, match=r"regimes/SOLUSDT\.json"):
        desk.releases.get(published.release_id)
    with pytest.raises(CorruptFile, match=r"regimes/SOLUSDT\.json"):
        signal_desk(published, {})
    link = ReleaseTracer(desk, Provenance(desk)).find(published.release_id)
    assert link.status == "differs"
    assert "regimes/SOLUSDT.json" in link.said
    # A book that is to take it over is told so by the process that tries it.
    monkeypatch.setenv("TA_HOME", str(desk.settings.home))
    with pytest.raises(SystemExit):
        try_release.main("paper", published.release_id)
    assert "regimes/SOLUSDT.json" in capsys.readouterr().err
    # And where the index was made to fit, by the hash among the release's facts.
    other = SimpleNamespace(
        release_id="r", folder=published.folder, spec=published.spec, regimes=published.regimes,
        file=lambda name: (published.folder / name).read_bytes(),
    )  # fmt: skip
    with pytest.raises(CorruptFile, match="not what the release pins"):
        signal_desk(other, {})
