"""What processes log: one form for every library, the same names always, no secret ever."""

from __future__ import annotations

import gzip
import http.server
import json
import logging
import os
import subprocess
import sys
import threading

import pytest

from trading_assets.domain.errors import ConfigurationError
from trading_assets.settings import load_settings
from trading_assets.workflows.process_log import FIELDS, begin_logging, bound, end_logging

SECRET = "key-of-the-venue-000"


@pytest.fixture
def begin(tmp_path):
    def started(form="json", level="INFO", **options):
        environ = {
            "TA_HOME": str(tmp_path),
            "TA_LOGGING__FORMAT": form,
            "TA_LOGGING__LEVEL": level,
            "TA_BINANCE_API_SECRET": SECRET,
        }
        begin_logging(load_settings(environ).settings, **options)

    level = logging.getLogger().level
    yield started
    end_logging()
    logging.getLogger().setLevel(level)


def _lines(capsys):
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_obs_01_a_record_of_any_library_has_the_names_of_the_journals_log(begin, capsys):
    begin()
    with bound(book="paper", run_id="paper-7"):
        logging.getLogger("some.library").info("Started on %d", 80)
        logging.getLogger("trading_assets.adapters").warning(
            "refused", extra={"order_ref": "ta-1", "symbol": "BTCUSDT", "prices": {"limit": "1.5"}}
        )
    logging.getLogger("x").info("after")
    first, second, third = _lines(capsys)
    assert list(first) == ["ts", "level", "event", "logger", *FIELDS]
    assert (first["event"], first["logger"], first["level"]) == (
        "Started on 80", "some.library", "info",
    )  # fmt: skip
    assert (first["book"], first["run_id"], first["order_ref"]) == ("paper", "paper-7", None)
    assert (second["order_ref"], second["prices"]) == ("ta-1", {"limit": "1.5"})
    assert third["book"] is None
    assert first["ts"].endswith("+00:00")


def test_a_logger_that_dagster_has_silenced_speaks_again(begin, capsys):
    logging.getLogger("silenced").disabled = True
    begin()
    logging.getLogger("silenced").warning("heard")
    assert [line["event"] for line in _lines(capsys)] == ["heard"]


def test_secrets_are_masked_wherever_they_stand(begin, capsys):
    begin()
    log = logging.getLogger("some.vendor")
    log.info("asked %s", f"https://x/api?signature={'a' * 64}&q=1")
    log.info("called", extra={"headers": {"X-MBX-APIKEY": "shown", "n": [SECRET]}})
    log.info("called", extra={"smtp_password": "short", "reason": f"see {SECRET}"})
    try:
        int(SECRET)
    except ValueError:
        log.exception("failed")
    text = capsys.readouterr().err
    assert SECRET not in text
    assert "shown" not in text
    assert '"short"' not in text
    asked, called, reason, failed = map(json.loads, text.splitlines())
    assert asked["event"] == "asked https://x/api?signature=***&q=1"
    assert called["headers"] == {"X-MBX-APIKEY": "***", "n": ["***"]}
    assert reason["reason"] == "see ***"
    assert failed["exception"].endswith("with base 10: '***'")


def test_people_read_text_and_only_what_is_there(begin, capsys):
    begin("text")
    logging.getLogger("x").warning("odd %s", SECRET, extra={"symbol": "BTCUSDT"})
    text = capsys.readouterr().err
    assert "odd ***" in text
    assert "symbol=BTCUSDT" in text
    assert "order_ref" not in text


def test_what_is_left_out_is_left_to_others_and_below_the_level_to_nobody(begin, capsys):
    begin(level="WARNING", leave_out=("dagster",))
    logging.getLogger("dagster.run").error("somebody else says it")
    logging.getLogger("dagsters").error("ours")
    logging.getLogger("x").info("too little")
    assert [line["event"] for line in _lines(capsys)] == ["ours"]


def test_a_slow_reader_of_stderr_holds_up_nobody(begin, capsys, monkeypatch):
    begin(in_background=True)
    go_on = threading.Event()

    class Full:
        """A pipe that nobody reads, until `go_on`."""

        def write(self, _):
            go_on.wait(30)

        def flush(self):
            pass

        def isatty(self):
            return False

    kept = sys.stderr
    monkeypatch.setattr(sys, "stderr", Full())
    for n in range(3):
        logging.getLogger("x").warning("line %d", n)
    assert not go_on.is_set()  # three records are logged, and none is written
    monkeypatch.setattr(sys, "stderr", kept)
    go_on.set()
    end_logging()
    assert [line["event"] for line in _lines(capsys)] in (
        ["line 1", "line 2"],
        ["line 0", "line 1", "line 2"],
    )


PROGRAM = """
import logging, sys, threading
from trading_assets.interfaces.cli import main
def app():
    logging.getLogger("x").warning("first")
    thread = threading.Thread(target=lambda: 1 / 0, name="feed")
    thread.start()
    thread.join()
    raise KeyError("{secret}")
main.app = app
sys.argv.append("live")  # help and version log nothing
main.main()
"""


def _run(tmp_path, **environ):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TA_")}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(secret=SECRET)],
        env=kept | {"TA_HOME": str(tmp_path), "TA_BINANCE_API_SECRET": SECRET} | environ,
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_error_that_ends_a_thread_or_the_process_is_a_line_too(tmp_path):
    ended = _run(tmp_path)
    assert ended.returncode == 1
    assert SECRET not in ended.stderr
    first, thread, last = map(json.loads, ended.stderr.splitlines())
    assert first["event"] == "first"
    assert (thread["event"], thread["level"]) == ("Thread feed fails", "critical")
    assert "ZeroDivisionError" in thread["exception"]
    assert last["exception"].endswith("KeyError: '***'")


class Sentry(http.server.BaseHTTPRequestHandler):
    """Takes envelopes, as Sentry's ingest does."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        is_packed = self.headers.get("Content-Encoding") == "gzip"
        self.server.got.append((self.path, gzip.decompress(body) if is_packed else body))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


def test_obs_07_errors_go_to_sentry_without_a_secret_once_there_is_a_dsn(tmp_path):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sentry) as server:
        server.got = []
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            dsn = f"http://public@127.0.0.1:{server.server_address[1]}/42"
            assert _run(tmp_path, TA_SENTRY_DSN=dsn).returncode == 1
        finally:
            server.shutdown()
            thread.join()
    assert {path for path, _ in server.got} == {"/api/42/envelope/"}
    sent = b"\n".join(body for _, body in server.got).decode()
    assert SECRET not in sent
    events = [json.loads(line) for line in sent.splitlines() if '"exception"' in line]
    said = [event["exception"]["values"][-1]["value"] for event in events]
    assert "'***'" in said
    assert "division by zero" in said
    assert all("vars" not in frame for event in events for frame in _frames(event))


def _frames(event):
    return [f for value in event["exception"]["values"] for f in value["stacktrace"]["frames"]]


def test_a_dsn_that_is_none_is_refused_and_not_shown(tmp_path):
    environ = {"TA_HOME": str(tmp_path), "TA_SENTRY_DSN": "no-dsn-at-all"}
    with pytest.raises(ConfigurationError, match="no DSN") as caught:
        begin_logging(load_settings(environ).settings)
    end_logging()
    assert "no-dsn-at-all" not in str(caught.value)
