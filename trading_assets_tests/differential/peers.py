"""The same plan in backtesting.py and in backtrader, as their own documentation has it written."""

import warnings
from typing import Any

import backtesting
import backtrader as bt
import numpy as np
import pandas as pd

from trading_assets_tests.differential.plans import (
    CASH,
    FIRST_BAR,
    FLATTEN,
    REVERSE,
    TICKS,
    WITHDRAW,
    Entry,
    Filled,
    Outcome,
    Plan,
)

_KINDS = {"market": bt.Order.Market, "limit": bt.Order.Limit, "stop": bt.Order.Stop}


def frame(plan: Plan) -> pd.DataFrame:
    """Give the bars as both peers read them: a pandas frame of days."""
    index = pd.date_range("2020-01-01", periods=len(plan.bars), freq="D")
    columns = ["Open", "High", "Low", "Close"]
    return pd.DataFrame(plan.bars / TICKS, index=index, columns=columns).assign(Volume=1.0)


def price_of(ticks: int | None) -> float | None:
    return None if ticks is None else ticks / TICKS


def run_backtesting_py(
    plan: Plan, *, own_exits: bool = False, spread_bps: int = 0, finalize: bool = False
) -> Outcome:
    """Follow a plan in backtesting.py.

    Args:
        plan: bars and actions.
        own_exits: give stop-loss and target to the entry order, which lets them fill in the bar of
            a market entry; else they are set at the close of that bar, which is our rule.
        spread_bps: its `spread`, which worsens entries.
        finalize: close what is open after the last bar.
    """
    runner = backtesting.Backtest(
        frame(plan), InBacktestingPy, cash=CASH, commission=plan.fee_bps / 10_000, margin=0.01,
        spread=spread_bps / 10_000, finalize_trades=finalize,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # trades open at the end; what it uses of pandas is old
        stats = runner.run(plan=plan, own_exits=own_exits)
    broker = stats["_strategy"]._broker
    fills = []
    for trade in (*broker.closed_trades, *broker.trades):
        fills.append((trade.entry_bar, 1, int(trade.size), trade.entry_price))
        if trade.exit_bar is not None:
            fills.append((trade.exit_bar, 0, -int(trade.size), trade.exit_price))
    found = [Filled(bar, lots, round(price * TICKS)) for bar, _, lots, price in sorted(fills)]
    return Outcome(found, stats["_equity_curve"]["Equity"].to_numpy())


class InBacktestingPy(backtesting.Strategy):  # type: ignore[misc]
    """Follows `plan`."""

    plan: Any = None
    own_exits = False

    def init(self) -> None:
        self.exits: tuple[float | None, float | None] = (None, None)

    def next(self) -> None:
        bar = len(self.data) - 1
        action = self.plan.actions[bar]
        if not self.own_exits:
            self._set_exits(bar)
        if action in {FLATTEN, REVERSE} and self.position:
            size = self.position.size
            self.position.close()
            self.exits = (None, None)
            if action == REVERSE:
                (self.sell if size > 0 else self.buy)(size=abs(size))
        elif action == WITHDRAW and not self.position:
            for order in self.orders:
                order.cancel()
        elif isinstance(action, Entry) and not self.position and not self.orders:
            self._enter(bar, action)

    def _set_exits(self, bar: int) -> None:
        """Give exits to what was opened in this bar; the one set last is looked at first."""
        stop, target = self.exits
        for trade in self.trades:
            if trade.entry_bar == bar and target is not None:
                trade.tp = target
            if trade.entry_bar == bar and stop is not None:
                trade.sl = stop

    def _enter(self, bar: int, entry: Entry) -> None:
        prices = self.plan.prices(bar)
        at = price_of(prices.entry)
        self.exits = (price_of(prices.stop), price_of(prices.target))
        own = dict(zip(("sl", "tp"), self.exits, strict=True)) if self.own_exits else {}
        (self.buy if entry.side > 0 else self.sell)(
            size=entry.lots,
            limit=at if entry.kind == "limit" else None,
            stop=at if entry.kind == "stop" else None,
            **own,
        )


def run_backtrader(plan: Plan, *, slippage_bps: int = 0, first_bar: int = FIRST_BAR) -> Outcome:
    """Follow a plan in backtrader, with its own brackets."""
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bt.feeds.PandasData(dataname=frame(plan)))
    cerebro.addstrategy(InBacktrader, plan=plan, first_bar=first_bar)
    cerebro.broker.setcash(CASH)
    if slippage_bps:
        cerebro.broker.set_slippage_perc(slippage_bps / 10_000, slip_open=True)
    cerebro.broker.set_checksubmit(False)
    cerebro.broker.setcommission(commission=plan.fee_bps / 10_000)
    (strategy,) = cerebro.run()
    return Outcome(strategy.fills, np.array(strategy.equity))


class InBacktrader(bt.Strategy):  # type: ignore[misc]
    """Follows `plan`, and notes fills and equity."""

    params = (("plan", None), ("first_bar", FIRST_BAR))

    def __init__(self) -> None:
        self.plan: Plan = self.p.plan
        self.fills: list[Filled] = []
        self.equity: list[float] = []
        self.sent: list[Any] = []

    def notify_order(self, order: Any) -> None:
        if order.status == order.Completed:
            done = order.executed
            self.fills.append(Filled(len(self) - 1, int(done.size), round(done.price * TICKS)))

    def next(self) -> None:
        bar = len(self) - 1
        self.equity.append(self.broker.getvalue())
        action = self.plan.actions[bar] if bar >= self.p.first_bar else None
        held = self.position.size
        if action in {FLATTEN, REVERSE} and held:
            self._withdraw()
            self.sent = [self.close()]
            if action == REVERSE:
                self.sent.append((self.sell if held > 0 else self.buy)(size=abs(held)))
        elif action == WITHDRAW and not held:
            self._withdraw()
        elif isinstance(action, Entry) and not held and not any(o.alive() for o in self.sent):
            self._enter(bar, action)

    def _withdraw(self) -> None:
        for order in self.sent:
            if order.alive():
                self.cancel(order)

    def _enter(self, bar: int, entry: Entry) -> None:
        prices = self.plan.prices(bar)
        send, back = (self.buy, self.sell) if entry.side > 0 else (self.sell, self.buy)
        kinds = ((bt.Order.Stop, prices.stop), (bt.Order.Limit, prices.target))
        exits = [(kind, price_of(ticks)) for kind, ticks in kinds if ticks is not None]
        at = None if entry.kind == "market" else price_of(prices.entry)
        kind = _KINDS[entry.kind]
        parent = send(size=entry.lots, exectype=kind, price=at, transmit=not exits)
        self.sent = [parent]
        for number, (kind, price) in enumerate(exits, start=1):
            last = number == len(exits)
            order = back(size=entry.lots, exectype=kind, price=price, parent=parent, transmit=last)
            self.sent.append(order)
