"""A release as a decision would publish it, whatever the verdict on its spec is."""

from __future__ import annotations

from trading_assets.evaluation.decision import Decision
from trading_assets.storage.release_store import Release
from trading_assets.storage.run_store import StoredRun
from trading_assets.strategies.portfolio_spec import AnySpec
from trading_assets.workflows.decide import decide
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.pinned_models import choose_models, load_pins
from trading_assets.workflows.pinned_regimes import choose_regimes, load_regimes


def promote(
    desk: Desk, book: str, spec: AnySpec, run: StoredRun, decision: Decision | None = None
) -> Release:
    """Publish the release of a run for a book; the decision behind it is about `paper`, and
    made now unless it is given."""
    decision = decision or decide(desk, "paper")
    manifest = run.manifest
    pins = load_pins(desk, choose_models(desk, spec, until=manifest["last_ts"]))
    chosen, _ = choose_regimes(desk, spec, until=manifest["last_ts"])
    regimes = load_regimes(desk, chosen)
    copied = ("spec_hash", "code_hash", "order_types", "instruments", "inputs")
    facts = {name: manifest[name] for name in copied} | {
        "decision_id": decision.decision_id,
        "spec": run.spec,
        "run_id": run.run_id,
        "models": {pin.horizon: pin.facts for pin in pins},
        "regimes": {pin.symbol: pin.facts for pin in regimes},
    }
    files = {"spec.yaml": run.file("spec.yaml"), "decision.json": decision.payload}
    files |= {name: data for pin in (*pins, *regimes) for name, data in pin.files.items()}
    return desk.releases.publish(book, facts, files, after=None)[0]
