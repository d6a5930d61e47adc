"""What several oracle tests read: the benchmark of peers with its plain-Python oracle."""

import os
import sys
from importlib import import_module
from pathlib import Path

import pytest

_SHARED = Path(os.environ.get("ORACLE_DATA") or Path(__file__).parents[3] / "shared")
_PEERS = Path(os.environ.get("PEERS_HOME") or _SHARED / "bench" / "peers")


@pytest.fixture(scope="module")
def peers():
    """Give the modules `oracle` and `common` of the peers' benchmark."""
    if not (_PEERS / "oracle.py").is_file():
        pytest.skip(f"no benchmark of peers: {_PEERS}")
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    sys.path.insert(0, str(_PEERS))
    try:
        return import_module("oracle"), import_module("common")
    finally:
        sys.path.remove(str(_PEERS))
        sys.dont_write_bytecode = writes
