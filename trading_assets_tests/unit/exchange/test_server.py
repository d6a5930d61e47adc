"""The server: several at once, on loopback only, there at once and gone at once."""

import logging
import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest

from trading_assets.domain.errors import ConfigurationError
from trading_assets.exchange.server import ExchangeConfig, running_exchange


def test_several_run_at_once_each_with_its_own_market():
    with (
        running_exchange(ExchangeConfig(seed=1)) as one,
        running_exchange(ExchangeConfig(seed=2)) as two,
    ):
        assert one.port != two.port
        prices = [
            httpx.get(f"{ex.api_url}/v3/ticker/price?symbol=BTCUSDT").json()["price"]
            for ex in (one, two)
        ]
    assert prices[0] != prices[1]


def test_it_stops_quickly_even_with_a_client_connected():
    with httpx.Client() as client:
        with running_exchange(ExchangeConfig()) as running:
            client.get(f"{running.api_url}/v3/time")
            started = time.perf_counter()
        assert time.perf_counter() - started < 0.5
        with pytest.raises(httpx.ConnectError):
            client.get(f"{running.api_url}/v3/time")


def test_it_is_silent(capfd, caplog):
    caplog.set_level(logging.DEBUG, logger="uvicorn")
    with running_exchange(ExchangeConfig()) as running:
        httpx.get(f"{running.url}/nothing")
    assert capfd.readouterr() == ("", "")
    assert not [record for record in caplog.records if record.name.startswith("uvicorn")]


def test_a_client_that_hangs_up_in_the_middle_is_no_event(capfd, caplog):
    with running_exchange(ExchangeConfig()) as running:
        with socket.create_connection((running.host, running.port)) as half:
            half.sendall(b"POST /api/v3/order HTTP/1.1\r\nHost: 127.0.0.1\r\n")
            half.sendall(b"Content-Length: 10\r\n\r\nabc")
        assert httpx.get(f"{running.api_url}/v3/ping").json() == {}
    assert capfd.readouterr() == ("", "")
    assert not caplog.records


def test_an_error_inside_the_block_still_stops_it():
    with pytest.raises(KeyError), running_exchange(ExchangeConfig()) as running:
        raise KeyError
    with pytest.raises(httpx.ConnectError):
        httpx.get(running.url)


def test_a_port_in_use_is_named():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with (
            pytest.raises(ConfigurationError, match=f"Stop what listens on port {port}"),
            running_exchange(ExchangeConfig(port=port)),
        ):
            pass


def test_a_bad_ledger_leaves_the_port_free(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (
        pytest.raises(ConfigurationError),
        running_exchange(ExchangeConfig(port=port, ledger=tmp_path)),
    ):
        pass
    with running_exchange(ExchangeConfig(port=port)) as running:
        assert running.port == port


def test_only_loopback_is_served():
    with pytest.raises(ConfigurationError, match="for this machine only"):
        ExchangeConfig(host="0.0.0.0")


def test_the_ledger_survives_a_restart_of_the_server(tmp_path):
    config = ExchangeConfig(ledger=tmp_path / "ledger.sqlite", sim_controls=True)
    for _ in range(2):
        with running_exchange(config) as running:
            rows = httpx.get(f"{running.url}/_sim/ledger").json()["balances"]
            assert sorted((r["asset"], r["free_units"]) for r in rows) == [
                ("BTC", 10**8),
                ("USDT", 10**13),
            ]


COMMAND = "from trading_assets.interfaces.cli.exchange import app; app()"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_announces_itself_and_ends_cleanly(tmp_path, number):
    process = subprocess.Popen(
        [
            *(sys.executable, "-c", COMMAND, "serve", "--port", "0"),
            *("--start", "2024-04-01T00:00:00Z", "--warp", "60", "--sim-controls"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"TA_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )
    lines = []
    while not lines or not lines[-1].startswith("account"):
        line = process.stdout.readline()
        assert line, process.stderr.read()
        lines.append(line)
    words = dict(line.split(None, 1) for line in lines[1:])
    assert words["clock"].startswith("from 2024-04-01T00:00:00Z, 60 times")
    server_time = httpx.get(words["API_URL"].strip() + "/v3/time").json()["serverTime"]
    assert 0 <= server_time - 1_711_929_600_000 < 600_000
    process.send_signal(number)
    _, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (0, "")
