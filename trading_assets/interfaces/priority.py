"""Whose turn it is when a machine is busy: an executor's before a page's."""

from __future__ import annotations

import os
from pathlib import Path

_BEHIND = 10
_OF_SESSION = Path("/proc/self/autogroup")


def yield_to_executors() -> None:
    """Take a tenth of an executor's share of a core that both want, and all of an idle one.

    Linux may share out cores by session before it looks at processes (`man 7 sched`, autogroup):
    where this process leads one of its own, the session steps back as well. One that it shares with
    a terminal is left alone.
    """
    os.nice(_BEHIND)
    if os.getsid(0) == os.getpid() and _OF_SESSION.exists():
        _OF_SESSION.write_text(str(_BEHIND))
