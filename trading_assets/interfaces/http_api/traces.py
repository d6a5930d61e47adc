"""Chains of evidence over HTTP: few at once, since each hashes files for seconds."""

from __future__ import annotations

from functools import partial

from anyio import CapacityLimiter, to_thread

from trading_assets.interfaces.http_api.answers import Answer
from trading_assets.interfaces.http_api.served import Served

_AT_ONCE = CapacityLimiter(2)
"""More of them would only hold up all other reads."""


async def traced(served: Served, order_id: str, *, book: str = "", run: str = "") -> Answer:
    """Follow an order of a book or a run; see `workflows.trace`."""
    from trading_assets.workflows.trace import trace_order

    work = partial(trace_order, served.desk, order_id, book=book, run=run)
    return Answer((await to_thread.run_sync(work, limiter=_AT_ONCE)).to_json())
