"""Turn a decision into the immutable bundle that a book trades."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from trading_assets.domain.errors import (
    ConfigurationError,
    ConflictError,
    CorruptFile,
)
from trading_assets.evaluation.decision import Decision
from trading_assets.evaluation.stage_valid import REAL_MONEY_VENUES
from trading_assets.storage.release_store import DECISION, SPEC, Release
from trading_assets.storage.run_store import StoredRun
from trading_assets.strategies.portfolio_spec import AnySpec, parse_any
from trading_assets.workflows.decide import recompute
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.measured_costs import with_named
from trading_assets.workflows.pinned_models import load_pins
from trading_assets.workflows.pinned_regimes import load_regimes
from trading_assets.workflows.registry import follow_ledger
from trading_assets.workflows.strategy_specs import find_spec

_SCHEMA = 1


def publish_release(desk: Desk, book: str, decision_id: str) -> Release:
    """Publish the candidate of a decision as the book's release; the one before is kept.

    Publishing a decision twice gives the same release. The decision is recomputed first, so that
    every byte behind it is proven once more. The bundle holds the spec, the pinned models and
    regimes, the instruments and the hashes of all inputs: an executor needs nothing else.

    Args:
        desk: holds the decision, the run and the models.
        book: name of the book.
        decision_id: of a decision whose verdict is promote.

    Raises:
        ConfigurationError: if the book trades real money (it is armed by a person, never from
            here), or the decision is about another book or does not promote.
        ConflictError: if the book has been decided about, or got a release, since.
        CorruptFile: if evidence, models or parameters of regimes are damaged.
        MissingPartition: if one of them is gone.
        InvariantError: if the decision cannot be recomputed.
    """
    _refuse_real_money(desk, book)
    decision = desk.releases.decisions.get(decision_id)
    candidate = _promoted(decision, book)
    published = desk.releases.by_decision(book, decision.decision_id)
    if published is not None:
        follow_ledger(desk, book)
        return published
    _refuse_superseded(desk, decision)
    recompute(desk, decision.decision_id)
    run = desk.runs.get(candidate["spec"], candidate["run_id"])
    pinned, files = _pinned(desk, candidate)
    champion = decision.document["champion"]
    release, _ = desk.releases.publish(
        book,
        {**_facts(desk, decision, run), **pinned},
        {SPEC: run.file("spec.yaml"), DECISION: decision.payload, **files},
        after=champion["release_id"] if champion else None,
    )
    follow_ledger(desk, book)
    return release


def publish_or_keep(desk: Desk, book: str, decision_id: str = "") -> Release:
    """Publish a decision, or the newest if it promotes; else keep the release that stands.

    Args:
        desk: see `publish_release`.
        book: name of the book.
        decision_id: empty for the newest.

    Raises:
        MissingPartition: if nothing was decided about the book, or no release stands.
        ConfigurationError, ConflictError, CorruptFile, InvariantError: see `publish_release`.
    """
    newest = desk.releases.decisions.require(book)
    if decision_id or newest.verdict == "promote":
        return publish_release(desk, book, decision_id or newest.decision_id)
    standing = desk.releases.require(book)
    follow_ledger(desk, book)
    return standing


def _refuse_real_money(desk: Desk, book: str) -> None:
    settings = desk.settings.books.get(book)
    if settings is None:
        raise ConfigurationError(
            "No such book",
            expected=f"one of {', '.join(sorted(desk.settings.books))}",
            found=repr(book)[:80],
        )
    if settings.venue in REAL_MONEY_VENUES:
        raise ConfigurationError(
            f"Book {book} trades real money at {settings.venue}",
            expected="a book at an embedded venue",
            found=f"venue {settings.venue}",
            fix="Nothing that can be started from here may publish to it; a person arms such a "
            "book by hand.",
        )


def _promoted(decision: Decision, book: str) -> Mapping[str, Any]:
    if decision.book != book or decision.verdict != "promote" or decision.candidate is None:
        raise ConfigurationError(
            f"Decision {decision.decision_id[:16]} does not promote anything to book {book}",
            expected=f"verdict promote about {book}",
            found=f"verdict {decision.verdict} about {decision.book}",
            fix="`trading-assets decision show` gives the rules that failed.",
        )
    return decision.candidate


def _refuse_superseded(desk: Desk, decision: Decision) -> None:
    newest = desk.releases.decisions.current(decision.book)
    if newest is None or newest.decision_id != decision.decision_id:
        raise ConflictError(
            f"Decision {decision.decision_id[:16]} is no longer the newest about {decision.book}",
            expected=newest.decision_id[:16] if newest else "a decision",
            found=decision.decision_id[:16],
            fix="Nothing was published. Publish the newest decision, if it promotes.",
        )


def _pinned(desk: Desk, candidate: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Give what a release says of its models and regimes, and their files."""
    models = load_pins(desk, candidate["models"])
    regimes = load_regimes(desk, candidate["regimes"])
    facts: dict[str, Any] = {"models": {pin.horizon: pin.facts for pin in models}}
    if regimes:
        facts["regimes"] = {pin.symbol: pin.facts for pin in regimes}
    files = [pin.files for pin in models] + [pin.files for pin in regimes]
    return facts, {name: data for held in files for name, data in held.items()}


def _facts(desk: Desk, decision: Decision, run: StoredRun) -> dict[str, Any]:
    find = partial(find_spec, desk.settings)
    spec = parse_any(run.file(SPEC).decode(), where=f"{run.folder}/{SPEC}", find=find)
    manifest = run.manifest
    spec = with_named(desk.tables, spec, manifest["inputs"])
    if spec.spec_hash != manifest["spec_hash"]:
        raise CorruptFile(
            f"Run {run.run_id} was made with other parameters than its spec has now",
            expected=f"spec_hash {manifest['spec_hash']}",
            found=spec.spec_hash,
            fix="The strategy's code has changed since; run the backtest and decide again.",
        )
    return {
        "schema": _SCHEMA,
        "book": decision.book,
        "decision_id": decision.decision_id,
        "spec": run.spec,
        "spec_hash": spec.spec_hash,
        "family": spec.build_strategy().name,
        "order_types": manifest["order_types"],
        "instruments": manifest["instruments"],
        "limits": spec.limits.model_dump(mode="json"),
        "code_hash": manifest["code_hash"],
        "run_id": run.run_id,
        "result_hash": run.result_hash,
        "data_hash": manifest["data_hash"],
        "inputs": manifest["inputs"],
        "as_of": decision.document["as_of"],
        **_pinned_costs(spec),
    }


def _pinned_costs(spec: AnySpec) -> dict[str, Any]:
    """Give the measured costs that the run ended with: what a book expects to pay by them."""
    if not spec.costs.later:
        return {}
    return {"costs": spec.costs.later[-1][1].model_dump(mode="json", exclude_unset=True)}
