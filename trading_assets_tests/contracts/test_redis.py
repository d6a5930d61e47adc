"""Forecasts, risk and parameters at a real Redis: once, in order, whoever dies in between."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from trading_assets import bootstrap
from trading_assets.adapters.redis_streams import RedisStreams, StreamEntry
from trading_assets.domain.errors import ConfigurationError, ConflictError
from trading_assets.domain.ids import Month, Symbol
from trading_assets.forecasting.payload import FORECAST_TABLE
from trading_assets.settings import load_settings
from trading_assets.workflows.redis_mirror import RedisMirror
from trading_assets.workflows.redis_updates import update_sources
from trading_assets.workflows.risk_factor import risk_payload
from trading_assets_tests.stand_ins.redis_server import (
    PASSWORD,
    USER,
    RedisServer,
    free_port,
    needs_redis,
)

pytestmark = needs_redis
ROOT = Path(__file__).parents[2]
FEBRUARY, MARCH = Month(2024, 2), Month(2024, 3)
BTC, SOL = Symbol("BTCUSDT"), Symbol("SOLUSDT")
FORECAST = ("asset", "horizon", "prediction", "confidence", "timestamp")
RISK = ("risk_factor", "reasons", "timestamp")
_FACTS = {"code_version": "1", "parents": {}}


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with RedisServer(tmp_path_factory.mktemp("redis")) as started:
        yield started


@pytest.fixture
def server(running):
    with running.admin() as client:
        client.flushall()
    return running


class Mirrored:
    """A desk beside a server."""

    def __init__(self, home, server, **variables):
        self.server = server
        self.environ = {
            "TA_HOME": str(home),
            "TA_REDIS__URL": server.url,
            "TA_REDIS__USERNAME": USER,
            "TA_REDIS_PASSWORD": PASSWORD,
            "TA_REDIS__POLL_S": "0.02",
        } | variables
        self.desk = bootstrap.desk(load_settings(self.environ).settings)
        self.home = home

    def mirror(self):
        settings = self.desk.settings
        streams = RedisStreams(settings.redis, settings.redis_password.get_secret_value())
        return RedisMirror(streams, update_sources(self.desk), poll_s=settings.redis.poll_s)

    def forecast(self, symbol, month, count, *, model="m"):
        """Publish the month's first `count` forecasts of a symbol, one per bar."""
        start = datetime.fromtimestamp(month.start / 1e6, UTC)
        bars = [start + timedelta(minutes=5 * n) for n in range(count)]
        said = {
            "asset": str(symbol),
            "horizon": "1h",
            "prediction": 0.0082,
            "confidence": 0.76,
            "forecast_id": model,
            "model_version": model,
            "model_id": model,
            "features_hash": "f",
            "dataset_hash": "d",
        }
        table = pl.DataFrame(
            [{**said, "timestamp": bar + timedelta(minutes=5)} for bar in bars],
            schema=FORECAST_TABLE,
        )
        head = pl.DataFrame(
            {"ts": bars, "symbol": [str(symbol)] * count},
            schema={"ts": pl.Datetime("us", "UTC"), "symbol": pl.String},
        )
        rows = pl.concat([head, table], how="horizontal").with_columns(purpose=pl.lit("research"))
        self.desk.tables.publish("forecasts_now", symbol, month, rows, **_FACTS)

    def judge(self, symbol, month, *factors):
        start = datetime.fromtimestamp(month.start / 1e6, UTC)
        rows = []
        for n, factor in enumerate(factors):
            bar = start + timedelta(minutes=5 * n)
            row = {"ts": bar, "symbol": str(symbol), "risk_factor": factor, "reasons": "drawdown"}
            rows.append({**row, "book": "paper", "payload": json.dumps(risk_payload(row, "paper"))})
        frame = pl.DataFrame(rows).with_columns(pl.col("ts").cast(pl.Datetime("us", "UTC")))
        self.desk.tables.publish("risk_updates", symbol, month, frame, **_FACTS)

    def told(self, stream="forecast_updates"):
        with self.server.admin() as client:
            return [fields for _, fields in client.xrange(stream)]

    def rows(self, stream="forecast_updates"):
        return [fields["row"] for fields in self.told(stream)]


@pytest.fixture
def mirrored(tmp_path, server):
    return Mirrored(tmp_path, server)


def test_ctl_15_streams_have_the_documents_that_readers_expect_and_channels_the_same(mirrored):
    mirrored.forecast(SOL, MARCH, 2)
    mirrored.judge(SOL, MARCH, 1.0, 0.5)
    names = ("forecast_updates", "risk_updates", "strategy_config")
    with mirrored.server.admin() as client, client.pubsub(ignore_subscribe_messages=True) as heard:
        heard.subscribe(*names)
        for _ in names:
            heard.get_message(timeout=5)
        mirrored.mirror().turn()
        published = {name: [] for name in names}
        while (message := heard.get_message(timeout=0.2)) is not None:
            published[message["channel"]].append(message["data"])

    for name in names:
        assert published[name] == [fields["payload"] for fields in mirrored.told(name)]
    forecasts, risk, config = ([json.loads(text) for text in published[name]] for name in names)
    assert [forecasts[0][name] for name in FORECAST] == [
        "SOLUSDT", "1h", 0.0082, 0.76, "2024-03-01T00:05:00Z",
    ]  # fmt: skip
    assert [risk[-1][name] for name in RISK] == [0.5, ["drawdown"], "2024-03-01T00:10:00Z"]
    assert config
    for row in config:
        assert row.keys() == {"key", "value", "spec", "version"}
        assert len(row["key"]) <= 50
        assert len(row["value"]) <= 255


def test_x_05_what_is_new_is_told_once_by_instant_and_a_new_mirror_goes_on(mirrored):
    mirrored.forecast(SOL, FEBRUARY, 2)
    mirrored.forecast(BTC, MARCH, 2)
    mirrored.forecast(SOL, MARCH, 1)
    mirrored.mirror().turn()
    mirrored.forecast(SOL, MARCH, 3)
    mirrored.mirror().turn()
    mirrored.mirror().turn()
    assert mirrored.rows() == [
        "SOLUSDT/2024-02/1", "SOLUSDT/2024-02/2", "BTCUSDT/2024-03/1", "SOLUSDT/2024-03/1",
        "BTCUSDT/2024-03/2", "SOLUSDT/2024-03/2", "SOLUSDT/2024-03/3",
    ]  # fmt: skip


def test_a_partition_that_was_made_anew_is_told_anew(mirrored):
    mirrored.forecast(SOL, MARCH, 2)
    mirrored.mirror().turn()
    mirrored.forecast(SOL, MARCH, 3, model="another")
    mirrored.mirror().turn()
    models = [json.loads(fields["payload"])["model_id"] for fields in mirrored.told()]
    assert models == ["m", "m", "another", "another", "another"]


def test_a_damaged_partition_is_said_once_and_hides_no_other(mirrored, caplog):
    mirrored.forecast(BTC, FEBRUARY, 1)
    mirrored.forecast(SOL, MARCH, 1)
    damaged = mirrored.desk.tables.require("forecasts_now", BTC, FEBRUARY)
    mirrored.desk.tables.local_path(damaged).write_bytes(b"rust")
    mirror = mirrored.mirror()
    with caplog.at_level(logging.ERROR):
        mirror.turn()
        mirror.turn()
    assert mirrored.rows() == ["SOLUSDT/2024-03/1"]
    assert [r.getMessage() for r in caplog.records] == ["forecast_updates is not told everything"]


def test_str_13_a_changed_parameter_is_told_and_one_that_is_gone_has_no_value(tmp_path, server):
    mirrored = Mirrored(tmp_path, server, TA_STRATEGIES_DIR="mine")
    mirrored.mirror().turn()
    count = len(mirrored.told("strategy_config"))
    example = next(iter(sorted((ROOT / "docs/examples").glob("*.yaml"))))
    own = tmp_path / "mine" / example.name
    own.parent.mkdir()
    own.write_text(example.read_text())
    mirrored.mirror().turn()
    added = [json.loads(f["payload"]) for f in mirrored.told("strategy_config")[count:]]
    assert {row["spec"] for row in added} == {example.stem}
    own.unlink()
    mirrored.mirror().turn()
    gone = [json.loads(f["payload"]) for f in mirrored.told("strategy_config")[-len(added) :]]
    assert sorted(row["key"] for row in gone) == sorted(row["key"] for row in added)
    assert {row["value"] for row in gone} == {None}


def test_a_stream_keeps_its_latest_entries_only(tmp_path, server):
    mirrored = Mirrored(tmp_path, server, TA_REDIS__MAX_ENTRIES="100")
    mirrored.forecast(SOL, MARCH, 130)
    mirrored.mirror().turn()
    mirrored.forecast(SOL, MARCH, 250)
    mirrored.mirror().turn()
    assert mirrored.rows() == [f"SOLUSDT/2024-03/{n}" for n in range(151, 251)]


def test_a_wrong_password_or_missing_right_ends_the_mirror_and_shows_no_secret(tmp_path, server):
    wrong = Mirrored(tmp_path, server, TA_REDIS_PASSWORD="of-somebody-else")
    with pytest.raises(ConfigurationError, match="refuses") as caught:
        wrong.mirror().turn()
    assert "of-somebody-else" not in str(caught.value)

    mirrored = Mirrored(tmp_path, server)
    mirrored.forecast(SOL, MARCH, 1)
    with server.admin() as client:
        client.acl_setuser(USER, enabled=True, commands=["-publish"])
        try:
            with pytest.raises(ConfigurationError, match="refuses"):
                mirrored.mirror().turn()
        finally:
            client.acl_setuser(USER, enabled=True, commands=["+publish"])
    assert mirrored.told() == []
    mirrored.mirror().turn()
    assert mirrored.rows() == ["SOLUSDT/2024-03/1"]


def test_a_key_in_the_way_moves_no_cursor(mirrored):
    mirrored.forecast(SOL, MARCH, 1)
    with mirrored.server.admin() as client:
        client.set("forecast_updates", "of somebody else")
        with pytest.raises(ConfigurationError, match="something else"):
            mirrored.mirror().turn()
        client.delete("forecast_updates")
    mirrored.mirror().turn()
    assert mirrored.rows() == ["SOLUSDT/2024-03/1"]


def test_of_two_mirrors_one_gives_way(mirrored):
    mirrored.forecast(SOL, MARCH, 1)
    settings = mirrored.desk.settings
    second = RedisStreams(settings.redis, PASSWORD)
    before = second.cursor("forecast_updates")
    mirrored.mirror().turn()
    with pytest.raises(ConflictError):
        second.add("forecast_updates", [StreamEntry("{}", "x")], before, {"x": "1"})
    second.close()
    assert mirrored.rows() == ["SOLUSDT/2024-03/1"]


def test_while_redis_is_away_the_mirror_waits_longer_and_longer_and_then_catches_up(tmp_path):
    with RedisServer(tmp_path / "redis") as server:
        mirrored = Mirrored(tmp_path, server)
        mirror = mirrored.mirror()
        mirrored.forecast(SOL, MARCH, 1)
        mirror.turn()
        server.kill()
        mirrored.forecast(SOL, MARCH, 4)
        pauses = [mirror.turn() for _ in range(9)]
        assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
        server.start()
        assert mirror.turn() == mirrored.desk.settings.redis.poll_s
        assert mirrored.rows() == [f"SOLUSDT/2024-03/{n}" for n in range(1, 5)]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
def test_over_tls_the_certificate_is_checked(tmp_path, monkeypatch):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    words = [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
        "-addext",
    ]
    made = ("subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate))
    subprocess.run(["openssl", *words, *made], check=True, capture_output=True)
    port = free_port()
    files = ("--tls-cert-file", str(certificate), "--tls-key-file", str(key))
    more = ("--tls-port", str(port), *files, "--tls-auth-clients", "no")
    with RedisServer(tmp_path / "redis", *more) as server:
        there = Mirrored(tmp_path, server, TA_REDIS__URL=f"rediss://127.0.0.1:{port}/0")
        there.forecast(SOL, MARCH, 1)
        assert there.mirror().turn() == 0.5
        assert there.told() == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        there.mirror().turn()
        assert there.rows() == ["SOLUSDT/2024-03/1"]


@pytest.mark.slow
def test_whoever_is_killed_nothing_is_lost_and_nothing_told_twice(tmp_path):
    """Kill the real command and the server, together and alone, in the midst of a long catch-up."""
    count = 4_000
    with RedisServer(tmp_path / "redis") as server:
        mirrored = Mirrored(tmp_path, server, TA_REDIS__MAX_ENTRIES=str(2 * count))
        for symbol in (BTC, SOL):
            mirrored.forecast(symbol, MARCH, count)
        for dies in ("mirror", "both", "mirror", "server"):
            process = _serve_some(mirrored)
            if dies != "mirror":
                server.kill()
            if dies != "server":
                process.kill()
                process.wait()
            if dies != "mirror":
                server.start()
        _wait(lambda: _length(server) == 2 * count)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        told = [f"{symbol}/2024-03/{n}" for n in range(1, count + 1) for symbol in (BTC, SOL)]
        assert mirrored.rows() == told


def _serve_some(mirrored):
    """Start the command, and wait until it has told something, but by far not everything."""
    before = _length(mirrored.server)
    command = "from trading_assets.interfaces.cli.main import main; main()"
    words = (sys.executable, "-c", command, "redis", "serve")
    environ = os.environ | mirrored.environ
    process = subprocess.Popen(words, env=environ, cwd=mirrored.home, stdout=subprocess.DEVNULL)
    _wait(lambda: _length(mirrored.server) > before)
    return process


def _length(server):
    with server.admin() as client:
        return client.xlen("forecast_updates")


def _wait(is_so):
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.002)
