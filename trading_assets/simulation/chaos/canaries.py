"""A19: runs that fail with secrets in hand; no file that they leave behind holds one."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from trading_assets.exchange.config import DEMO_KEY
from trading_assets.exchange.server import ExchangeConfig, running_exchange
from trading_assets.simulation.chaos.rig import BOOK, START, Rig
from trading_assets.simulation.chaos.verdict import Verdict

_BOOK = f"""source = "binance"

[books.{BOOK}]
venue = "binance"
account = "{BOOK}"
trades = "paper"
"""
_CLI = (sys.executable, "-c", "from trading_assets.interfaces.cli.main import main; main()")
_COMMANDS = {
    "live": (*_CLI, "live", "--book", BOOK, "--max-bars", "1"),
    "preflight": (*_CLI, "preflight", "--book", BOOK),
    "dagster": (
        *(sys.executable, "-m", "dagster", "job", "execute", "-m", "trading_assets.definitions"),
        *("-j", "live_trading", "-c", "run.yaml"),
    ),
}  # fmt: skip
_LONGEST_S = 60.0


def look_for_canaries(folder: Path) -> Verdict:
    """Let runs fail with canary secrets, then look for them in every file of the state directory.

    The key is unknown, the secret is wrong, nobody listens, and a listener hangs up; the secrets
    stand in variables and, a second time, in files. Each with `live`, `preflight` and a run of
    Dagster.

    Args:
        folder: empty, on a local disk.
    """
    began = time.monotonic()
    home = folder / "state"
    home.mkdir()
    (home / "dagster").mkdir()
    (home / "run.yaml").write_text(f"ops: {{trade: {{config: {{book: {BOOK}}}}}}}\n")
    (home / "trading_assets.toml").write_text(_BOOK)
    key, secret = "canarykey" + secrets.token_hex(27), "canarysecret" + secrets.token_hex(26)
    config = ExchangeConfig(start=START, warp=60, sim_controls=True)
    ended: dict[str, int] = {}
    heard: list[bytes] = []
    with running_exchange(config) as exchange, _hanging_up(heard) as rude, _free_port() as nobody:
        rig = Rig(home, exchange)
        rig.publish("1m")
        rig.close()
        cases = {
            "unknown key": (exchange.api_url, key),
            "wrong secret": (exchange.api_url, DEMO_KEY),
            "nobody listens": (f"http://127.0.0.1:{nobody}/api", key),
            "a listener hangs up": (f"http://127.0.0.1:{rude}/api", key),
        }
        for case, (url, used) in cases.items():
            for name, command in _COMMANDS.items():
                for by_file in (False,) if name == "dagster" else (False, True):
                    env = _environ(folder, home, url, used, secret, by_file=by_file)
                    place = f"{name}, {case}, {'file' if by_file else 'variable'}"
                    ended[place] = _run(list(command), env, home)
    found = scan(home, {"key": key.encode(), "secret": secret.encode(), "signature": b"signature="})
    wrong = [f"{what} in {path}" for what, path in found]
    wrong += [f"did not fail: {place}" for place, status in ended.items() if status == 0]
    presented = sum(key.encode() in request for request in heard)
    if not presented:
        wrong.append("no run has shown its key to the listener, so nothing was proven")
    files = [path for path in home.rglob("*") if path.is_file()]
    figures = {
        "failing_runs": len(ended),
        "of_them_in_dagster": sum(place.startswith("dagster") for place in ended),
        "requests_with_the_key": presented,
        "files_scanned": len(files),
        "bytes_scanned": sum(path.stat().st_size for path in files),
        "canaries_found": len(found),
        "seconds": round(time.monotonic() - began, 1),
    }
    return Verdict("A19", figures, tuple(wrong))


def scan(folder: Path, canaries: dict[str, bytes]) -> list[tuple[str, str]]:
    """List (canary, file) for every file below a folder that holds one, databases included."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            name = str(path.relative_to(folder))
            found += [(what, name) for what, text in canaries.items() if text in data]
    return found


def _environ(
    folder: Path, home: Path, url: str, key: str, secret: str, *, by_file: bool
) -> dict[str, str]:
    """Give a run its secrets, in variables or in files outside of the state directory."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("TA_")}
    env |= {
        "TA_HOME": str(home),
        "TA_BINANCE__API_URL": url,
        "TA_BINANCE__MAX_ATTEMPTS": "1",
        "DAGSTER_HOME": str(home / "dagster"),
    }
    values = {"binance_api_key": key, "binance_api_secret": secret}
    if not by_file:
        return env | {f"TA_{name.upper()}": value for name, value in values.items()}
    place = folder / "secrets"
    place.mkdir(exist_ok=True)
    for name, value in values.items():
        (place / name).write_text(value)
    return env | {"TA_SECRETS_DIR": str(place)}


def _run(command: list[str], env: dict[str, str], home: Path) -> int:
    """Run a command into the log of the state directory; one that goes on trying is cut off."""
    with (home / "output.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - the commands above
            command, env=env, stdout=log, stderr=log, cwd=home
        )
        try:
            return process.wait(_LONGEST_S)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()


@contextmanager
def _hanging_up(heard: list[bytes]) -> Iterator[int]:
    """Listen, read a request into `heard` and close the connection without an answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    caller, _ = server.accept()
                except OSError:
                    return
                with caller:
                    caller.settimeout(1)
                    with suppress(OSError):
                        heard.append(caller.recv(4096))

        threading.Thread(target=serve, name="hanging up", daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


@contextmanager
def _free_port() -> Iterator[int]:
    """Hold a port on which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]
