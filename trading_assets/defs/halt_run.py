"""The stop button in Dagster: it halts and flattens; it never resumes, loosens or arms."""

# No postponed annotations here: Dagster reads the types of an op's arguments.
from enum import Enum

import dagster as dg

from trading_assets.defs.books import PROMOTED_BOOK
from trading_assets.defs.resources import DeskResource


class Stop(Enum):
    """How far a book is stopped."""

    PAUSE = "PAUSE"
    HALT = "HALT"
    FLATTEN = "FLATTEN"


class HaltConfig(dg.Config):
    """Which book to stop, how far, and why; `disarm` takes its leave to trade real money, too."""

    book: str = PROMOTED_BOOK
    level: Stop = Stop.HALT
    reason: str = "halted from Dagster"
    disarm: bool = False


@dg.op
def put_up_latch(context: dg.OpExecutionContext, config: HaltConfig, desk: DeskResource) -> None:
    """Put a book's latch up: no entry leaves any more, whoever runs the executor."""
    from trading_assets.domain.control import HaltLevel
    from trading_assets.workflows.armed import take_leave
    from trading_assets.workflows.control_book import halt_book
    from trading_assets.workflows.live_book import live_book

    opened = desk.open()

    asked = halt_book(
        opened,
        config.book,
        level=HaltLevel[config.level.value],
        who="a Dagster run",
        reason=config.reason,
        source="dagster",
    )
    context.log.warning(
        "Book %s: %s (command %d). Only `trading-assets resume` lifts it.",
        config.book,
        config.level.value,
        asked.inbox_id,
    )
    if config.disarm and take_leave(live_book(opened.settings, config.book)):
        context.log.warning("Book %s is disarmed: a person arms it anew.", config.book)
