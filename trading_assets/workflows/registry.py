"""MLflow's registry in line with a book's ledgers: who is champion, previous and challenger.

The ledgers of releases and decisions are the truth, the aliases are a view that people look at.
Nothing that trades reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from trading_assets.evaluation.decision import Decision
from trading_assets.storage.experiments import RegisteredVersion
from trading_assets.storage.release_store import DECISION, SPEC, Release
from trading_assets.storage.run_store import StoredRun
from trading_assets.strategies.portfolio_spec import parse_any
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.run_logging import experiment_of, identity_of
from trading_assets.workflows.strategy_specs import find_spec

CHAMPION, PREVIOUS, CHALLENGER = "champion", "previous", "challenger"
_DECISION = "decision_id"
_MODEL = "model_id"


@dataclass(frozen=True, slots=True)
class Holder:
    """What an alias of a book has to name.

    Attributes:
        name: of the registered model, `ta.<family>.<book>`.
        family: of the strategy.
        run: identity of its run in MLflow.
        tags: of its version; `decision_id` tells it from others.
    """

    name: str
    family: str
    run: Mapping[str, str]
    tags: Mapping[str, str]


def holders(desk: Desk, book: str) -> dict[str, Holder]:
    """Give what each alias has to name by the ledgers; an alias that names nothing is left out.

    `challenger` is the candidate of the newest decision, until it is released.
    """
    found: dict[str, Holder] = {}
    current = desk.releases.current(book)
    if current is not None:
        found[CHAMPION] = _of_release(current)
        before = desk.releases.before(book, current.release_id)
        if before is not None:
            found[PREVIOUS] = _of_release(desk.releases.get(before))
    newest = desk.releases.decisions.current(book)
    if newest is not None and newest.candidate is not None:
        released = desk.releases.by_decision(book, newest.decision_id)
        if released is None:
            found[CHALLENGER] = _of_decision(desk, newest)
    return found


def follow_ledger(desk: Desk, book: str) -> None:
    """Bring the aliases of a book in line; versions that are missing are made.

    What has no run in MLflow any more gets no alias: a release never waits for its view.
    """
    wanted: dict[tuple[str, str], RegisteredVersion] = {}
    for alias, holder in holders(desk, book).items():
        version = _version(desk, holder)
        if version is not None:
            wanted[holder.name, alias] = version
    held = _held(desk, book)
    for name, alias in held.keys() - wanted.keys():
        desk.experiments.remove_alias(name, alias)
    for (name, alias), version in wanted.items():
        if (name, alias) not in held or held[name, alias].version != version.version:
            desk.experiments.move_alias(name, alias, version.version)


def differences(desk: Desk, book: str) -> tuple[str, ...]:
    """Tell where the aliases of a book are not what its ledgers say, one sentence each."""
    wanted = {(h.name, alias): h.tags[_DECISION] for alias, h in holders(desk, book).items()}
    held = {place: v.tags.get(_DECISION, "") for place, v in _held(desk, book).items()}
    return tuple(
        f"{alias} of {name} is {_said(held.get((name, alias)))}, "
        f"by the ledger {_said(wanted.get((name, alias)))}"
        for name, alias in sorted(wanted.keys() | held.keys())
        if wanted.get((name, alias)) != held.get((name, alias))
    )


def family_of_run(desk: Desk, run: StoredRun) -> str:
    """Name the strategy of a stored run; of a portfolio, what its members make together."""
    find = partial(find_spec, desk.settings)
    spec = parse_any(run.file(SPEC).decode(), where=f"{run.folder}/{SPEC}", find=find)
    return spec.build_strategy().name


def _held(desk: Desk, book: str) -> dict[tuple[str, str], RegisteredVersion]:
    """Give the aliases of a book's models; a model of forecasts has its own challenger."""
    return {
        place: version
        for place, version in desk.experiments.aliases(f"ta.%.{book}").items()
        if _MODEL not in version.tags
    }


def _said(decision_id: str | None) -> str:
    if decision_id is None:
        return "nothing"
    return f"of decision {decision_id[:16]}" if decision_id else "of no decision"


def _of_release(release: Release) -> Holder:
    facts = release.facts
    return Holder(
        f"ta.{facts['family']}.{release.book}",
        facts["family"],
        {"run_id": facts["run_id"], "result.hash": facts["result_hash"]},
        {
            _DECISION: facts["decision_id"],
            "gate": "promote",
            **_deflated(Decision.from_payload(release.file(DECISION))),
            "data.hash": facts["data_hash"],
            "release_id": release.release_id,
            **{f"model.{h}": model["model_id"] for h, model in facts["models"].items()},
            **{f"regimes.{s}": pin["sha256"] for s, pin in release.regimes.items()},
        },
    )


def _of_decision(desk: Desk, decision: Decision) -> Holder:
    candidate: Mapping[str, Any] = decision.candidate or {}
    run = desk.runs.get(candidate["spec"], candidate["run_id"])
    family = family_of_run(desk, run)
    return Holder(
        f"ta.{family}.{decision.book}",
        family,
        identity_of(run),
        {
            _DECISION: decision.decision_id,
            "gate": decision.verdict,
            **_deflated(decision),
            "data.hash": run.manifest["data_hash"],
            **{f"model.{h}": model for h, model in candidate["models"].items()},
            **{f"regimes.{s}": pin["sha256"] for s, pin in candidate.get("regimes", {}).items()},
        },
    )


def _deflated(decision: Decision) -> dict[str, str]:
    """Give the tag `dsr`: the deflated Sharpe ratio by which the candidate was judged."""
    found = decision.measured("deflated_sharpe").get("deflated_sharpe")
    return {} if found is None else {"dsr": f"{found:.4f}"}


def _version(desk: Desk, holder: Holder) -> RegisteredVersion | None:
    """Give the registered version of a decision, made the first time; None without its run."""
    found = desk.experiments.find_version(holder.name, {_DECISION: holder.tags[_DECISION]})
    if found is not None:
        desk.experiments.tag_version(found, holder.tags)
        return found
    logged = desk.experiments.find_run(experiment_of(holder.family), holder.run)
    if logged is None:
        return None
    source = f"runs:/{logged.run_id}/{SPEC}"
    return desk.experiments.register(holder.name, logged, source=source, tags=holder.tags)
