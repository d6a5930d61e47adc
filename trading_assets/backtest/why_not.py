"""Why there was no trade: every opportunity of a run, counted exactly once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from trading_assets.backtest.run_log import RunLog
from trading_assets.domain.errors import InvariantError
from trading_assets.domain.setup import book_places
from trading_assets.records.arrays import Record
from trading_assets.records.codes import Cause, Leg, OrderState, Verdict

_DECIDED = (Leg.OPEN, Leg.REDUCE, Leg.CLOSE, Leg.ENTRY_LONG, Leg.ENTRY_SHORT, Leg.EXPIRY)
"""Legs that a decision sends; the exits of a bracket sleep until its entry fills."""


_Key = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class WhyNot:
    """What became of every opportunity.

    An opportunity is one symbol at one bar close, once for each strategy that trades it. It traded
    when an order that was decided there filled, in whole or in part. Else it has one reason: the
    first rule that said no, what made a decision needless (`no_signal`, `no_change`,
    `in_position`, `entry_working`), or why the order that was sent ended without a fill
    (`unfilled_valid_to`, `unfilled_cash_at_fill`, ...; `unfilled_working` when the run ended
    first).

    Attributes:
        opportunities: `traded` and all counts of `reasons`, together.
        reasons: name to count, the most frequent first; zeros left out.
    """

    opportunities: int
    traded: int
    reasons: Mapping[str, int]


def why_not(log: RunLog, tag: int | None = None) -> WhyNot:
    """Count the opportunities of a run, or of one of its strategies, by what became of them.

    Raises:
        InvariantError: if the counts of bars, of verdicts and of orders do not agree.
    """
    closes = np.count_nonzero(~np.isnan(log.bars.close), axis=1)
    places = [p for p in book_places(log.setup) if tag in (None, p.tag)]
    opportunities = sum(int(closes[place.symbol]) for place in places)
    verdicts = log.verdicts if tag is None else log.verdicts_by_tag[tag]
    reasons: Counter[str] = Counter()
    for verdict, count in verdicts.items():
        if verdict not in (Verdict.ACCEPTED, Verdict.CASH_AT_FILL) and count:
            reasons[verdict.name.lower()] += count
    sent = {k: v for k, v in _orders_by_decision(log).items() if tag in (None, k[0])}
    halves = len(sent) - verdicts[Verdict.ACCEPTED]
    reasons.subtract(_refused_halves(log, sent)[:halves] if halves > 0 else [])
    if sum(reasons.values()) + len(sent) != opportunities or min(reasons.values(), default=0) < 0:
        raise InvariantError(
            "Not every opportunity is accounted for",
            expected=f"{opportunities} closes, {len(sent)} of them with an order",
            found=f"{sum(reasons.values())} reasons for the others",
        )
    unfilled = [orders for orders in sent.values() if not any(o["filled"] for o in orders)]
    reasons.update(_reason(orders) for orders in unfilled)
    ordered = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    return WhyNot(opportunities, len(sent) - len(unfilled), {k: v for k, v in ordered if v})


def _orders_by_decision(log: RunLog) -> dict[_Key, list[Record]]:
    """Group the orders that decisions sent, by strategy, symbol and bar."""
    found: dict[_Key, list[Record]] = {}
    orders = log.orders
    for order in orders[np.isin(orders["leg"], [int(leg) for leg in _DECIDED])]:
        key = (int(order["tag"]), int(order["symbol"]), int(order["bar_ts"]))
        found.setdefault(key, []).append(order)
    return found


def _refused_halves(log: RunLog, sent: Mapping[_Key, list[Record]]) -> list[str]:
    """Give the rules that refused the closing half of a reversal whose other half was sent.

    The verdict of such an opportunity is the refusal, and yet it has an order.
    """
    first: dict[_Key, str] = {}
    for refusal in log.refusal_log:
        first.setdefault((refusal.tag, refusal.symbol, refusal.ts), refusal.rule)
    opened = {key for key, orders in sent.items() if all(o["leg"] == Leg.OPEN for o in orders)}
    return [rule for key, rule in first.items() if key in opened]


def _reason(orders: list[Record]) -> str:
    first = min(orders, key=lambda order: int(order["id"]))
    if first["state"] == OrderState.WORKING:
        return "unfilled_working"
    return f"unfilled_{Cause(int(first['cause'])).name.lower()}"
