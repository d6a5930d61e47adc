"""Promotion decisions as people read them: what was decided, and what stood in the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trading_assets.domain.instants import iso_text
from trading_assets.evaluation.decision import Decision
from trading_assets.evaluation.rule_words import rule_text
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.paging import Key, Page, cursor_key, page_of


def list_decisions(
    desk: Desk, *, book: str = "", limit: int, cursor: str | None = None
) -> Page[dict[str, Any]]:
    """List decisions, book by book by name, of each the newest first.

    Rows: `decision_id`, `book`, `verdict` (promote, hold, reject), `as_of` (the newest bar
    behind it, None without bars), `candidate` and `champion` (as in the document, None for none),
    `first_unmet` (the first rule that did not hold, as in `decision_detail`, None when all did),
    `num_met` of `num_rules` that held, and `plain` (the reason).

    Args:
        desk: holds the decisions.
        book: only about this one; "" for every book of the settings.
        limit: rows at most.
        cursor: `next` of the page before.

    Raises:
        CorruptFile: if a document is damaged.
        DataError: if the cursor is none of this list.
    """
    after = cursor_key(cursor, ("", 0))
    page = page_of(_newest(desk, book, after), lambda each: each[0], limit)
    return page.mapped(lambda each: _row(desk.releases.decisions.get(each[1])))


def decision_detail(desk: Desk, decision_id: str) -> dict[str, Any]:
    """Give a decision whole: a row of that list, `document`, and `rules`.

    Each of these has `stage`, `rule`, `value`, `threshold`, `passed` (None without evidence),
    `kind`, `evidence` (files with their SHA-256), `note` and `plain`, a sentence.

    Raises:
        MissingPartition: if no decision, or more than one, begins so.
        CorruptFile: if the document is damaged.
    """
    decision = desk.releases.decisions.get(decision_id)
    return {
        **_row(decision),
        "document": dict(decision.document),
        "rules": [_rule(rule) for rule in decision.rules],
    }


def _newest(desk: Desk, book: str, after: Key | None) -> Iterator[tuple[Key, str]]:
    for name in (book,) if book else sorted(desk.settings.books):
        for n, decision_id in reversed(desk.releases.decisions.ledger(name)):
            key = (name, -n)
            if after is None or key > after:
                yield key, decision_id


def _row(decision: Decision) -> dict[str, Any]:
    document, rules = decision.document, decision.rules
    unmet = [rule for rule in rules if not rule["passed"]]
    as_of = document["as_of"]
    return {
        "decision_id": decision.decision_id,
        "book": decision.book,
        "verdict": decision.verdict,
        "as_of": None if as_of is None else iso_text(as_of),
        "candidate": decision.candidate,
        "champion": document["champion"],
        "first_unmet": _rule(unmet[0]) if unmet else None,
        "num_met": len(rules) - len(unmet),
        "num_rules": len(rules),
        "plain": document["reason"],
    }


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    shown = ("rule", "value", "threshold", "passed", "kind", "evidence")
    return {
        "stage": rule.get("stage", "all"),
        **{name: rule.get(name) for name in shown},
        "note": rule.get("note", ""),
        "plain": rule_text(rule),
    }
