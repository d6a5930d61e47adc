"""How a book and its strategies are told in a message: plain text, for a narrow screen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trading_assets.workflows.live_status import BookStatus

HELP = """/status [BOOK] - health, latency, equity by strategy, positions
/strategies [BOOK] - running or stopped, allocation, risk
/orders [N] [BOOK] - the last orders
/halt [BOOK] [REASON] - no entry from now on; without a book, of all that run
/panic - sell everything in all books that run; asks twice
/resume CODE [BOOK] REASON - end a halt, by its code in /status
/stop NAME [BOOK] [REASON] - no entry of one strategy
/start NAME [BOOK] REASON - take that back
/risk NAME BPS [BOOK] - less at risk per trade
/alloc NAME WEIGHT [BOOK] - less of its own allocation, above 0 to 1"""


def status_text(found: BookStatus, earned: Mapping[str, Decimal], *, code: str, quote: str) -> str:
    """Tell how a book is doing.

    Args:
        found: its status.
        earned: by strategy, since the book began.
        code: of the halt in force, "" when there is none.
        quote: currency of the amounts.
    """
    book, metrics = found.book, found.book.get("metrics", {})
    lines = [f"{found.name}: {found.verdict}"]
    if code:
        lines.append(f"{found.level}: {found.reason}. Its code is {code}")
    if found.note:
        lines.append(f"because: {found.note}")
    lines.append(f"release {found.release_id or '-'}")
    if found.bar_lag_s is not None:
        lines.append(f"last bar closed {found.bar_lag_s:.0f} s ago")
    if "latency_ms_p95" in metrics:
        lines.append(f"from close to order {metrics['latency_ms_p95']:.0f} ms (p95)")
    if found.heartbeat_age_s is not None:
        lines.append(f"heartbeat {found.heartbeat_age_s:.0f} s ago")
    lines += [
        f"entries of {pause['symbol'] or 'all symbols'} paused: {pause['cause']}"
        for pause in book.get("pauses", ())
    ]
    lines += [f"ALERT {name}: {text}" for name, text in book.get("alerts", {}).items()]
    if book:
        lines.append(f"equity {book['equity']:,.2f} {quote}, drawdown {book['drawdown']:.2%}")
        lines += [f"  {name} has earned {amount:+,.2f}" for name, amount in sorted(earned.items())]
        lines += _positions(book.get("positions", ()))
    return "\n".join(line.rstrip() for line in lines)


def strategies_text(book: str, rows: Iterable[Mapping[str, Any]]) -> str:
    """Tell how the strategies of a book stand, as `workflows.control_strategy` lists them."""
    lines = [book]
    for row in rows:
        why = f": {row['reason']} ({row['by']})" if row["reason"] else ""
        lines.append(f"{row['name']} {row['state']}{why}")
        size = f"  {row['allocation_pct']} % of {row['allocation_pct_of_release']} %"
        if row["risk_bps"] is not None:
            size += f", risk {row['risk_bps']} bps of {row['risk_bps_of_release']} bps"
        lines.append(size)
    return "\n".join(lines)


def orders_text(book: str, orders: Sequence[Mapping[str, Any]]) -> str:
    """Tell the orders of a book, the newest first, as `workflows.book_listing` lists them."""
    if not orders:
        return f"{book}: no order yet"
    lines = [book]
    for order in orders:
        price = order["avg_price"] or order["limit_price"]
        at = f" at {price:g}" if isinstance(price, float) else f" at {price}" if price else ""
        lines.append(
            f"{order['ts']} {order['strategy']} {order['side']} {order['qty']} {order['symbol']}"
            f"{at} {order['state']}"
        )
    return "\n".join(lines)


def _positions(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    if not rows:
        return ["no position"]
    return [
        f"  {row['strategy']} {row['quantity']} {row['symbol']} ({row['unrealised_pnl']:+,.2f})"
        for row in rows
    ]
