"""Polygon on loopback: the shapes of its answers, pages and all, and its faults."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from trading_assets_tests.stand_ins.server import Asked, Reply, StandIn, as_json, running

_MINUTE_MS = 60_000


class PolygonStandIn(StandIn):
    """Minutes of every ticker in `list_dates`, round the clock.

    Attributes:
        list_dates: when each ticker was listed; None where the vendor does not say.
        now: nothing later is there; the bar that is forming then is.
        step_minutes: from one bar to the next.
        page_bars: most bars of one page.
        gives_next: whether a full page names the next one.
        next_url: what it is called, from the host, the path and the query that it would have.
        status: of every answer with bars.
        adjusted: what an answer says of itself; None for what was asked for.
        rewrite: what a fault of the data does to the bars of an answer.
    """

    def __init__(self, now: datetime = datetime(2026, 1, 1, tzinfo=UTC), **options: Any) -> None:
        super().__init__(**options)
        self.list_dates: dict[str, str | None] = {"BTCUSD": "2020-01-01"}
        self.now = now
        self.step_minutes = 1
        self.page_bars = 50_000
        self.gives_next = True
        self.next_url: Any = lambda host, rest: host + rest
        self.status = "OK"
        self.adjusted: bool | None = None
        self.rewrite: Any = lambda bars: bars
        self._requests = 0

    def reply(self, asked: Asked) -> Reply:
        self._requests += 1
        if asked.authorization != f"Bearer {self.key}":
            return self._refused(401, "ERROR", f"Unknown API Key {asked.authorization}")
        parts = asked.path.split("/")
        ticker = parts[4]
        if ticker not in self.list_dates:
            return self._refused(404, "NOT_FOUND", "Ticker not found.")
        if parts[1] == "v3":
            return self._described(ticker, asked.query["date"])
        return self._bars(ticker, int(parts[8]), int(parts[9]), asked)

    def _refused(self, code: int, status: str, text: str) -> Reply:
        return as_json({"status": status, "request_id": str(self._requests), "error": text}, code)

    def _described(self, ticker: str, at: str) -> Reply:
        listed = self.list_dates[ticker]
        if listed is not None and at < listed:
            return self._refused(404, "NOT_FOUND", "Ticker not found.")
        described = {"ticker": ticker, "active": True}
        if listed is not None:
            described["list_date"] = listed
        return as_json({"request_id": "x", "results": described, "status": "OK"})

    def _bars(self, ticker: str, start: int, end: int, asked: Asked) -> Reply:
        opens = range(
            start + -start % _MINUTE_MS,
            min(end, int(self.now.timestamp() * 1000)) + 1,
            _MINUTE_MS * self.step_minutes,
        )
        now_on = self.rewrite([minute(at) for at in opens[: self.page_bars]])
        answer: dict[str, Any] = {
            "ticker": ticker,
            "queryCount": len(now_on),
            "resultsCount": len(now_on),
            "adjusted": asked.query.get("adjusted") != "false",
            "status": self.status,
            "request_id": f"{self._requests:032x}",
        }
        if "cursor" in asked.query:
            answer["adjusted"] = False
        if self.adjusted is not None:
            answer["adjusted"] = self.adjusted
        if now_on:  # Polygon leaves out an empty list
            answer["results"] = now_on
        if len(opens) > self.page_bars and self.gives_next:
            cursor = base64.b64encode(b"limit=50000&sort=asc").decode().rstrip("=")
            rest = f"/v2/aggs/ticker/{ticker}/range/1/minute/{opens[self.page_bars]}/{end}"
            answer["next_url"] = self.next_url(self.url, f"{rest}?cursor={cursor}")
        return as_json(answer)


def minute(at: int) -> dict[str, Any]:
    """Give the bar that opens at a time in milliseconds."""
    price = 100 + at // _MINUTE_MS % 977 / 100
    prices = {"o": price, "h": price + 0.5, "l": price - 0.5, "c": price}
    return {"v": 1.5e3, "vw": price, **prices, "t": at, "n": 12}


@contextmanager
def polygon(**options: Any) -> Iterator[PolygonStandIn]:
    """Run one on a free port."""
    stand_in = PolygonStandIn(**options)
    with running(stand_in):
        yield stand_in
