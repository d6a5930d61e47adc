"""Tells systemd how a service is doing: one datagram per message to the socket that it named."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

_READY = frozenset({"trading", "halted"})
_START_S = 120


class ServiceManager:
    """The sender's side of sd_notify(3); without a socket every message goes nowhere.

    A message that cannot be sent is dropped: the manager notices by its own watchdog, and a book
    must not stop trading because nobody listens.
    """

    def __init__(self, address: str) -> None:
        """Name the socket: a path, or a name after `@`; "" for no manager."""
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._is_ready = False

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> ServiceManager:
        """Find the manager of this process; one that watches another process is none of ours."""
        watched = environ.get("WATCHDOG_PID", "")
        is_ours = watched in ("", str(os.getpid()))
        return cls(environ.get("NOTIFY_SOCKET", "") if is_ours else "")

    def tell(self, state: str, seq: int) -> None:
        """Say what the executor does; called by its main loop only, so that the loop is watched.

        Args:
            state: of the heartbeat; ready from the first one after book and venue agree.
            seq: last row of the journal.
        """
        lines = [f"STATUS={state.replace('_', ' ')}, row {seq} of the journal", "WATCHDOG=1"]
        if state in _READY and not self._is_ready:
            self._is_ready = True
            lines.append("READY=1")
        elif not self._is_ready:
            lines.append(f"EXTEND_TIMEOUT_USEC={_START_S * 1_000_000}")
        if state in ("stopped", "failed"):
            lines.append("STOPPING=1")
        self._send("\n".join(lines))

    def _send(self, message: str) -> None:
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.setblocking(False)
            try:
                sender.sendto(message.encode(), self._address)
            except OSError:
                return  # see the class: the manager's watchdog is what notices
