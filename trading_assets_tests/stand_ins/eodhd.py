"""EODHD on loopback: the shapes of its answers, and the faults that it is known for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

from trading_assets_tests.stand_ins.server import Asked, Reply, StandIn, as_json, running

_LONGEST_S = 120 * 86_400


class EodhdStandIn(StandIn):
    """Minutes and days of every symbol in `first_days`, round the clock.

    Attributes:
        first_days: when each symbol starts.
        now: nothing later is there; the bar that is forming then is.
        rewrite: what a fault of the data does to the rows of an answer.
        step_minutes: from one bar to the next.
        ignores_span: gives all of a day whatever was asked for.
    """

    def __init__(self, now: datetime = datetime(2026, 1, 1, tzinfo=UTC), **options: Any) -> None:
        super().__init__(**options)
        self.first_days = {"BTC-USD.CC": date(2020, 1, 1)}
        self.now = now
        self.rewrite: Any = lambda rows: rows
        self.step_minutes = 1
        self.ignores_span = False

    def reply(self, asked: Asked) -> Reply:
        if asked.query.get("api_token") != self.key:
            return as_json({"message": f"Unauthenticated: {asked.query.get('api_token')}"}, 401)
        _, _, kind, symbol = asked.path.split("/")
        if symbol not in self.first_days:
            return Reply(b"Ticker Not Found.", 404)
        if asked.query.get("fmt") != "json":
            return Reply(b"Date,Open,High,Low,Close,Adjusted_close,Volume\n")
        if kind == "eod" and asked.query["period"] == "m":
            return as_json(self._months(symbol))
        rows = self._days(symbol, asked) if kind == "eod" else self._minutes(symbol, asked)
        return rows if isinstance(rows, Reply) else as_json(self.rewrite(rows))

    def _months(self, symbol: str) -> list[dict[str, Any]]:
        first = self.first_days[symbol]
        return [_bar(n) | {"date": f"{y}-{m:02d}-28"} for n, (y, m) in enumerate(_months(first))]

    def _days(self, symbol: str, asked: Asked) -> list[dict[str, Any]]:
        day = max(date.fromisoformat(asked.query["from"]), self.first_days[symbol])
        last = min(date.fromisoformat(asked.query["to"]), self.now.date())
        rows = []
        while day <= last:
            number = day.toordinal()
            rows.append({"date": str(day)} | _bar(number) | {"adjusted_close": 0.5, "volume": 7})
            day += timedelta(days=1)
        return rows

    def _minutes(self, symbol: str, asked: Asked) -> list[dict[str, Any]] | Reply:
        start, end = int(asked.query["from"]), int(asked.query["to"])
        if end - start > _LONGEST_S:
            return as_json({"errors": {"to": ["Max period length is 120 days"]}}, 422)
        if self.ignores_span:
            start -= 86_400
        first = datetime.combine(self.first_days[symbol], datetime.min.time(), UTC).timestamp()
        start, end = max(start, int(first)), min(end, int(self.now.timestamp()))
        return [
            {
                "timestamp": at,
                "gmtoffset": 0,
                "datetime": datetime.fromtimestamp(at, UTC).isoformat(" ")[:19],
            }
            | _bar(at // 60)
            | {"volume": 5}
            for at in range(start + -start % 60, end + 1, 60 * self.step_minutes)
        ]


def _bar(number: int) -> dict[str, Any]:
    price = 100 + number % 977 / 100
    return {"open": price, "high": price + 0.5, "low": price - 0.5, "close": price, "volume": 1}


def _months(first: date) -> list[tuple[int, int]]:
    return [
        (y, m)
        for y in range(first.year, 2026)
        for m in range(1, 13)
        if (y, m) >= (first.year, first.month)
    ]


@contextmanager
def eodhd(**options: Any) -> Iterator[EodhdStandIn]:
    """Run one on a free port."""
    stand_in = EodhdStandIn(**options)
    with running(stand_in):
        yield stand_in
