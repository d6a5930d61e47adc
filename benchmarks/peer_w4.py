"""W4 for peers that can hold several symbols on one cash: `--engine backtrader` or `vectorbt`.

Runs in the peer's own environment and imports nothing of ours but how bars are made. vectorbt sizes
a percentage at the fill, so only `--mode qty` compares; backtesting.py has one symbol per run and
cannot do this work at all.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from home import common as common_module
from home import options_of, portfolio_bars

SYMBOLS = 20
BARS = 100_000
FRACTION = 0.04


def with_backtrader(common: Any, bars: list[dict], options: Any) -> tuple[int, float]:
    import backtrader as bt

    class Cross(bt.Strategy):
        def __init__(self) -> None:
            self.trips = 0
            self.lines_of = [
                bt.ind.EMA(d.close, period=options.fast) - bt.ind.EMA(d.close, period=options.slow)
                for d in self.datas
            ]

        def notify_trade(self, trade: Any) -> None:
            self.trips += trade.isclosed

        def next(self) -> None:
            if len(self) <= common.WARMUP:
                return
            for data, line in zip(self.datas, self.lines_of, strict=True):
                held = self.getposition(data).size
                if line[0] > 0 >= line[-1] and not held:
                    part = FRACTION * self.broker.getvalue() / data.close[0]
                    self.buy(data, size=common.QTY if options.mode == "qty" else part)
                elif line[0] < 0 <= line[-1] and held:
                    self.sell(data, size=held)

    engine = bt.Cerebro(stdstats=False)
    for one in bars:
        engine.adddata(bt.feeds.PandasData(dataname=common.frame(one, cap=False)))
    engine.broker.setcash(common.CASH0)
    engine.broker.setcommission(commission=common.FEE)
    engine.broker.set_slippage_perc(common.SLIP, slip_open=True, slip_match=True, slip_out=True)
    engine.addstrategy(Cross)
    strategy = engine.run(runonce=True, preload=True)[0]
    return strategy.trips, engine.broker.getvalue()


def with_vectorbt(common: Any, bars: list[dict], options: Any) -> tuple[int, float]:
    import pandas as pd
    import vectorbt as vbt

    index = common.frame(bars[0]).index
    close, opens = (
        pd.DataFrame({s: one[name] for s, one in enumerate(bars)}, index=index)
        for name in ("close", "open")
    )
    quick, tardy = (
        vbt.MA.run(close, n, ewm=True).ma.to_numpy() for n in (options.fast, options.slow)
    )
    now = quick - tardy
    up, down = np.zeros(now.shape, bool), np.zeros(now.shape, bool)
    up[2:] = (now[1:-1] > 0) & (now[:-2] <= 0)  # decided at a close, filled at the next open
    down[2:] = (now[1:-1] < 0) & (now[:-2] >= 0)
    up[: common.WARMUP + 1] = down[: common.WARMUP + 1] = False
    size = {"size": common.QTY} if options.mode == "qty" else {
        "size": FRACTION, "size_type": "percent",
    }  # fmt: skip
    portfolio = vbt.Portfolio.from_signals(
        close, up, down, price=opens, fees=common.FEE, slippage=common.SLIP,
        init_cash=common.CASH0, freq="1min", group_by=True, cash_sharing=True, **size,
    )  # fmt: skip
    return int(portfolio.trades.closed.count()), float(portfolio.value().iloc[-1])


_ENGINES = {"backtrader": with_backtrader, "vectorbt": with_vectorbt}


def main() -> None:
    common = common_module()
    options = options_of(common, engine="backtrader")
    n = options.bars or BARS
    bars = portfolio_bars(common, SYMBOLS, n, options.seed)
    engine = _ENGINES[options.engine]
    if options.engine == "vectorbt":
        engine(common, bars, options)  # compiles
    (trades, equity), seconds = common.timed(
        lambda: engine(common, bars, options), options.repeat
    )  # fmt: skip
    version = __import__(options.engine).__version__
    common.report(
        options.engine, version, "w4", options.mode, n * SYMBOLS, seconds, trades=trades,
        final_equity=equity, best_cpu_s=min(common.CPU),
    )  # fmt: skip


if __name__ == "__main__":
    main()
