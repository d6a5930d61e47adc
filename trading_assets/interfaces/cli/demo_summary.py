"""What the demo did, on one screen: data, model, backtests, decision, live run, parity, times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from trading_assets.domain.bar import DAY, Timeframe
from trading_assets.domain.errors import TradingAssetsError
from trading_assets.domain.ids import Month

if TYPE_CHECKING:
    from trading_assets.settings import Settings
    from trading_assets.workflows.desk import Desk
    from trading_assets.workflows.live_tally import LiveTally
    from trading_assets.workflows.replay_live_day import ParityReport

_RIGHT = {"justify": "right"}


@dataclass(frozen=True, slots=True)
class LiveLeg:
    """What the live leg did; `stop_s` runs from the request to terminate to the end of the run."""

    book: str
    tally: LiveTally
    status: str
    stop_s: float


def show(
    console: Console,
    settings: Settings,
    months: Sequence[Month],
    live: LiveLeg | None,
    *,
    why_not: str = "",
) -> None:
    """Print the summary; without a live leg, why there was none.

    Raises:
        TradingAssetsError: if the live session is not what its replay gives.
    """
    from trading_assets.bootstrap import desk

    opened = desk(settings)
    _data(console, opened, months)
    _models(console, opened, months)
    _backtests(console, opened)
    _decision(console, opened)
    if live is None:
        console.print(f"\n[bold]Live[/]: skipped, since {why_not}.")
        return
    _live(console, opened, live)


def show_times(console: Console, seconds: Mapping[str, float]) -> None:
    """Print how long each part took."""
    parts = ", ".join(f"{name} {taken:.0f} s" for name, taken in seconds.items())
    console.print(f"\n[bold]Done[/] in {sum(seconds.values()):.0f} s: {parts}.")
    console.print("Look around with [bold]make up[/].")


def _data(console: Console, desk: Desk, months: Sequence[Month]) -> None:
    from trading_assets.workflows.data_quality import data_quality
    from trading_assets.workflows.market_tables import bars_table

    table = _table("Data", "symbol", ("1m bars", _RIGHT), ("gaps", _RIGHT), ("missing", _RIGHT))
    gaps = data_quality(desk, months=tuple(months))
    for symbol in desk.settings.symbols:
        rows = sum(desk.tables.require(bars_table(Timeframe.M1), symbol, m).rows for m in months)
        own = [gap for gap in gaps if gap.symbol == symbol]
        missing = sum(gap.minutes for gap in own)
        table.add_row(symbol, f"{rows:,}", str(len(own)), f"{missing:,} min")
    console.print(table)


def _models(console: Console, desk: Desk, months: Sequence[Month]) -> None:
    from trading_assets.workflows.forecast_month import FORECASTS

    table = _table(
        "Forecasts out of sample, against the zero forecast and a constant confidence",
        *("month", "symbol", "horizon"),
        *((name, _RIGHT) for name in ("R2", "sign", "± s.e.", "Brier", "constant")),
    )
    for month in months[1:]:
        for symbol in desk.settings.symbols:
            manifest = desk.tables.require(FORECASTS, symbol, month)
            for horizon, scores in manifest.extra["outcome"].items():
                table.add_row(str(month), symbol, horizon, *_scores(scores))
    console.print(table)


def _scores(scores: Mapping[str, float]) -> list[str]:
    def text(name: str, form: str) -> str:
        return format(scores[name], form) if name in scores else "-"

    return [
        text("r2", "+.4f"),
        text("sign_accuracy", ".3f"),
        text("sign_accuracy_se", ".3f"),
        text("brier", ".4f"),
        text("brier_constant", ".4f"),
    ]


def _backtests(console: Console, desk: Desk) -> None:
    table = _table(
        "Backtests, net of costs",
        "spec",
        *((n, _RIGHT) for n in ("trades", "net", "Sharpe", "max DD", "out of sample", "trades")),
    )
    for name in desk.runs.specs():
        run = desk.runs.current(name)
        if run is None:
            continue
        whole, oos = run.metrics["all"], run.metrics["oos"] or {}
        table.add_row(
            name,
            str(whole["num_trades"]),
            _percent(whole["net_return_pct"]),
            _number(whole["sharpe"]),
            _percent(whole["max_drawdown_pct"]),
            _percent(oos.get("net_return_pct")),
            str(oos.get("num_trades", "-")),
        )
    console.print(table)
    console.print(
        "The parameters of the shipped specs were chosen on the embedded months, so only the "
        "model's forecasts are new to these figures.",
        style="dim",
    )


def _decision(console: Console, desk: Desk) -> None:
    from trading_assets.workflows.decide import as_of_text

    decision = desk.releases.decisions.current("paper")
    if decision is None:
        raise TradingAssetsError("No decision was recorded for book paper")
    candidate = decision.candidate["spec"] if decision.candidate else "no candidate"
    table = _table(
        f"Decision {decision.decision_id[:12]} on {candidate}, as of {as_of_text(decision)}: "
        + decision.verdict,
        *("rule", "value", "threshold", "passed"),
    )
    marks = {True: "yes", False: "[red]no[/]", None: "[yellow]no evidence[/]"}
    for rule in decision.rules:
        table.add_row(
            rule["rule"], _plain(rule["value"]), _plain(rule["threshold"]), marks[rule["passed"]]
        )
    console.print(table)


def _live(console: Console, desk: Desk, live: LiveLeg) -> None:
    release = desk.releases.current("paper")
    name = release.spec.name if release else "nothing"
    tally = live.tally
    table = _table(f"Live: book {live.book} traded {name}", "what", ("value", _RIGHT))
    for what, value in (
        ("market time", f"{_instant(tally.first_bar)} to {_instant(tally.last_bar)}"),
        ("bars / decisions", f"{tally.bars} / {tally.decisions}"),
        ("orders / fills", f"{tally.orders} / {tally.fills}"),
        ("refused or partly filled", str(tally.imperfect)),
        ("equity", f"{tally.opening_equity:,.2f} to {tally.equity:,.2f}"),
        ("run ended", f"{live.status}, {live.stop_s:.1f} s after the request"),
    ):
        table.add_row(what, value)
    reports = [_parity(desk, live.book, day) for day in days_of(tally)]
    for report in reports:
        table.add_row(f"parity {report.day}", _parity_text(report))
    console.print(table)
    unequal = [report for report in reports if not report.is_equal]
    if unequal:
        raise TradingAssetsError(
            "The live run is not what its replay gives",
            expected="no difference",
            found="; ".join(unequal[0].differences),
        )


def days_of(tally: LiveTally) -> list[date]:
    """List the UTC days of market time on which the book handled a bar."""
    first = datetime.fromtimestamp(tally.first_bar / 1_000_000, tz=UTC).date()
    count = tally.last_bar // DAY - tally.first_bar // DAY + 1
    return [first + timedelta(days=n) for n in range(count)] if tally.bars else []


def _parity(desk: Desk, book: str, day: date) -> ParityReport:
    from trading_assets.workflows.replay_live_day import replay_live_day

    return replay_live_day(desk, book, day)


def _parity_text(report: ParityReport) -> str:
    return (
        f"{report.rows - report.rows_differ} of {report.rows} signal rows and "
        f"{report.decisions - report.decisions_differ} of {report.decisions} decisions equal"
    )


def _table(title: str, *columns: str | tuple[str, Mapping[str, Any]]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in columns:
        if isinstance(column, str):
            table.add_column(column)
        else:
            table.add_column(column[0], **column[1])
    return table


def _instant(ts: int) -> str:
    return datetime.fromtimestamp(ts / 1_000_000, tz=UTC).strftime("%Y-%m-%d %H:%M")


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:+.2f} %"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return "-" if value is None else str(value)
