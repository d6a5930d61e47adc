"""What `trading-assets` offers: each command's module, and the first paragraph of its help.

Written down, so that help and completion of the shell load none of these modules; a test compares
it with what they say themselves.
"""

from __future__ import annotations

COMMANDS: dict[str, tuple[str, str]] = {
    "config": ("config", "Show the settings."),
    "exchange": ("exchange", "The embedded Binance-compatible exchange."),
    "data": ("data", "Bring market data in, look at it, prove it."),
    "sql": (
        "sql",
        "Ask the tables (bars_1m, features_5m, ...) and the catalog (runs, metrics, fills, ...).",
    ),
    "features": ("features", "List, build and prove features."),
    "models": ("models", "Train, forecast, and read model cards."),
    "forecast": ("forecast", "What is expected now: research, which no live book reads."),
    "new": ("new", "Write files to begin with."),
    "backtest": (
        "backtest",
        "Run strategy specs over history: `backtest SPEC` is `backtest run SPEC`.",
    ),
    "sweep": (
        "sweep",
        "Run every trial of a sweep file; what is finished stays finished, also after a kill.",
    ),
    "walk-forward": (
        "sweep",
        "Choose on each stretch of time, try on the next; the file needs a section `walk_forward`.",
    ),
    "trials": ("trials", "The ledger of all trials of this desk."),
    "runs": ("runs", "Look at runs of backtests, and compare them."),
    "decision": ("decision", "Decide what a book may trade, and prove it."),
    "what-if": (
        "what_if",
        "List past decisions that would have come out otherwise under other costs or thresholds.",
    ),
    "live": (
        "live",
        "Trade a book's release until Ctrl-C or SIGTERM; a restart goes on from the journal.",
    ),
    "parity": (
        "live",
        "Live a day again from independent data; exit 1 when live and replay differ.",
    ),
    "journal": ("journal", "Look into the journal of a book."),
    "trace": (
        "trace",
        "Go from an order to the vendor's bytes; every link is computed once more and compared.",
    ),
    "blast-radius": (
        "trace",
        "List every table, model, forecast, run, decision, release and order that rests on it.",
    ),
    "release": ("release", "Releases of live books."),
    "halt": (
        "control",
        "Stop entries at once and withdraw those that work at the venue; exits stay.",
    ),
    "flatten": (
        "control",
        "Stop entries, withdraw every order, and sell what the book holds at market.",
    ),
    "cancel-all": ("control", "Withdraw every order that works at the venue; the book trades on."),
    "reconcile": ("control", "Compare book and account now."),
    "snapshot": ("control", "Write a snapshot beside the journal now."),
    "tighten": (
        "control",
        "Make limits of entries tighter; nothing but a new release makes them wider again.",
    ),
    "acknowledge": (
        "control",
        "Allow entries of a symbol again that a policy has paused; see docs/live-policies.md.",
    ),
    "resume": ("control", "Allow entries of a halted book again, now or when it is started."),
    "arm": (
        "control",
        "Allow a book to trade one release with real money, for a while; asks for confirmation.",
    ),
    "disarm": (
        "control",
        "Take back the leave to trade real money; a running executor halts at once.",
    ),
    "control": ("control_server", "API and pages for people, on loopback."),
    "strategy": (
        "strategy",
        "The strategies of a live book: stop one, let it go on, make it smaller.",
    ),
    "telegram": ("telegram", "A Telegram bot over the live books."),
    "redis": ("redis", "Mirror news of the desk to a Redis server."),
    "status": (
        "status",
        "Show a book; exit 0 trades, 1 runs but opens nothing, 2 does not run, 3 gives no sign.",
    ),
    "metrics": ("metrics", "What Prometheus reads of the live books."),
    "alerts": ("alerts", "Tell people of alerts, without Prometheus."),
    "costs": ("costs", "What the fills of live books have cost."),
    "preflight": (
        "preflight",
        "Check keys, permissions, clock, release, filters, balance, disk; exit 1 when one fails.",
    ),
    "sim": ("sim", "Simulate the live executor: lost requests, crashes, full disks, by seed."),
    "chaos": (
        "chaos",
        "Kill, race, damage and watch real processes; one JSON line each, exit 1 for a violation.",
    ),
    "demo": (
        "demo",
        "Run the whole desk once, offline: bars, features, models, backtests, decision, live run.",
    ),
    "up": (
        "up_and_down",
        "Serve the desk's pages, the Dagster UI, MLflow and the embedded exchange on loopback.",
    ),
    "down": ("up_and_down", "Stop what `up` started; a live run among it ends cleanly first."),
}
