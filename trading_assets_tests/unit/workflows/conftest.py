"""A desk in a temporary folder, and a small archive to fill it from."""

import hashlib
import io
import socket
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from trading_assets import bootstrap
from trading_assets.domain.bar import MINUTE
from trading_assets.domain.ids import Micros, Month
from trading_assets.settings import load_settings
from trading_assets.workflows.desk import Desk

MakeDesk = Callable[..., Desk]


@pytest.fixture
def make_desk(tmp_path: Path) -> MakeDesk:
    """Build a desk as `bootstrap` does, from TA_* variables only."""

    def make(**variables: str) -> Desk:
        environ = {"TA_HOME": str(tmp_path)} | variables
        return bootstrap.desk(load_settings(environ).settings)

    return make


class Archive:
    """A mirror of the bulk archive with BTCUSDT minutes that a test lays down."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "monthly").mkdir(parents=True)

    def put_month(self, month: Month, *, without: Iterable[range] = ()) -> Path:
        """Lay down a month's zip, leaving out the given ranges of minutes."""
        minutes = np.arange((month.end - month.start) // MINUTE)
        for hole in without:
            minutes = minutes[(minutes < hole.start) | (minutes >= hole.stop)]
        return self.put(str(month), _csv_of(month.start + minutes * MINUTE))

    def put(self, period: str, text: str) -> Path:
        """Lay down a zip with this CSV, and its CHECKSUM."""
        kind = "monthly" if len(period) == len("2024-03") else "daily"
        path = self.root / kind / "klines/BTCUSDT/1m" / f"BTCUSDT-1m-{period}.zip"
        path.parent.mkdir(parents=True, exist_ok=True)
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(zipfile.ZipInfo(f"BTCUSDT-1m-{period}.csv"), text)
        path.write_bytes(buffer.getvalue())
        self.sign(path)
        return path

    @staticmethod
    def sign(path: Path) -> None:
        """Write the CHECKSUM of a zip as it is now."""
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        path.with_name(path.name + ".CHECKSUM").write_text(f"{digest}  {path.name}\n")


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "mirror")


@pytest.fixture
def archive_desk(archive: Archive, make_desk: MakeDesk) -> Desk:
    """A desk over that archive."""
    return make_desk(
        TA_SOURCE="archive",
        TA_ARCHIVE_ROOT=str(archive.root),
        TA_SYMBOLS='["BTCUSDT"]',
        TA_HISTORY_START="2020-01",
    )


@pytest.fixture
def csv_of() -> Callable[..., str]:
    """Give the writer of such files."""
    return _csv_of


@pytest.fixture
def closed_port() -> int:
    """A port where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _csv_of(opens: Sequence[Micros] | NDArray[np.int64]) -> str:
    """Write minutes as Binance does (milliseconds); prices walk, deterministically."""
    ts = np.asarray(opens, dtype=np.int64) // 1000
    price = 100 + ts // 60_000 % 977 / 100
    columns = {
        "ts": ts,
        "open": price,
        "high": price + 0.5,
        "low": price - 0.5,
        "close": price + 0.25,
        "volume": np.full(len(ts), 1.5),
        "close_ts": ts + 59_999,
        "quote_volume": np.round(price * 1.5, 8),
        "n_trades": np.full(len(ts), 3),
        "a": np.ones(len(ts)),
        "b": np.ones(len(ts)),
        "c": np.zeros(len(ts), dtype=np.int64),
    }
    return pl.DataFrame(columns).write_csv(include_header=False)
