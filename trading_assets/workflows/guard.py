"""What guards a book over all releases that a run trades: people's ways in, and who withdraws."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from trading_assets.domain.ports import Broker
from trading_assets.live.board import OrderBoard
from trading_assets.live.safety.canceller import Canceller
from trading_assets.live.safety.halt_signal import HaltSignal
from trading_assets.live.safety.watcher import Watcher
from trading_assets.workflows.book_control import BookControl, Eyes, Leave
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.live_book import LiveBook, venue_client


@dataclass(frozen=True, slots=True)
class Guard:
    """Stands while one release ends and the next is made ready: a halt waits for neither.

    Attributes:
        control: latch and inbox, for the executor's thread.
        leave: by which the book trades real money; its token is that of the present release.
        board: where the executor posts its orders for the thread that withdraws them.
        wake: set when people ask for something.
    """

    control: BookControl
    leave: Leave
    board: OrderBoard
    wake: threading.Event


@contextmanager
def on_guard(
    desk: Desk,
    place: LiveBook,
    signalled: HaltSignal,
    stop: threading.Event,
    connect: Callable[[Any], Broker],
) -> Iterator[Guard]:
    """Guard a book while inside.

    Args:
        desk: gives settings and this machine's clock.
        place: the book.
        signalled: what a signal to this process has asked for.
        stop: of the run.
        connect: makes a broker of a client; called when an order is to be withdrawn.
    """
    leave = Leave(place, desk.clock, None)
    board = OrderBoard()
    with ExitStack() as stack:
        control = stack.enter_context(BookControl(place, signalled, leave))
        eyes = Eyes(place, leave, desk.settings.live.supervisor_timeout_s)
        watcher = stack.enter_context(Watcher(eyes.look, stop, close=eyes.close))
        if not place.settings.is_simulated:
            spare = venue_client(desk.settings, place)
            stack.callback(spare.close_connection)
            stack.enter_context(Canceller(board, control.latched, partial(connect, spare)))
        yield Guard(control, leave, board, watcher.wake)
