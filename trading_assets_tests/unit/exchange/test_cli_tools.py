"""`trading-assets exchange fault|ledger|seed-data`, against a running exchange."""

import json

import pytest
from typer.testing import CliRunner

from trading_assets.domain.errors import ConfigurationError
from trading_assets.interfaces.cli.exchange import app


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("TA_HOME", str(tmp_path))


def run(*words, code=0):
    result = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture
def url(wire):
    return ("--url", str(wire.http.base_url))


def test_faults_are_armed_listed_and_cleared(wire, url):
    match = ("--match", "method=GET", "--match", "path=/api/v3/ping")
    run("fault", "arm", "status", "status=503", "when=after", *match, "--count", "2", *url)
    run("fault", "arm", "skew_server_time", "ms=-5", "--until", "2024-03-02T00:00:00Z", *url)
    assert wire.get("ping").status_code == 503
    listed = run("fault", "list", *url)
    assert "status" in listed
    assert "skew_server_time" in listed
    run("fault", "clear", "1", *url)
    assert wire.get("ping").status_code == 200
    run("fault", "clear", *url)
    assert wire.http.get("/_sim/fault").json()["armed"] == []


def test_a_script_is_armed_whole(wire, url, tmp_path):
    path = tmp_path / "faults.yaml"
    path.write_text("[{kind: drop_reply}, {kind: drop_request, count: 2}]")
    assert run("fault", "arm", "--script", str(path), *url) == "armed: 1, 2\n"


def test_what_cannot_be_armed_says_why(url):
    with pytest.raises(ConfigurationError, match="name=value"):
        run("fault", "arm", "status", "503", *url)
    with pytest.raises(ConfigurationError, match="kind: one of"):
        run("fault", "arm", "dorp", *url)
    with pytest.raises(ConfigurationError, match="No exchange answers"):
        run("fault", "list", "--url", "http://127.0.0.1:1")
    with pytest.raises(ConfigurationError, match="http://host:port"):
        run("fault", "list", "--url", "file:///etc/passwd")


def test_controls_that_are_off_are_told(wired):
    with (
        wired(sim_controls=False) as wire,
        pytest.raises(ConfigurationError, match="--sim-controls"),
    ):
        run("fault", "list", "--url", str(wire.http.base_url))


def test_the_ledger_of_a_running_exchange_and_of_a_file(wired, tmp_path):
    path = tmp_path / "ledger.sqlite"
    with wired(ledger=path) as wire:
        wire.order(symbol="SOLUSDT", side="BUY", type="MARKET", quantity="3")
        url = ("--url", str(wire.http.base_url))
        assert "all adds up" in run("ledger", "--verify", *url)
        live = json.loads(run("ledger", "--json", "--table", "trades", *url))
    stored = json.loads(run("ledger", str(path), "--json", "--table", "trades"))
    assert live == stored
    shown = run("ledger", str(path))
    assert "orders (1)" in shown
    assert "2024-03-01 12:00:00.000" in shown
    assert "1970" not in shown  # a quantity is no instant
    assert live["trades"][0]["fee_units"] > 0
    assert f"{live['trades'][0]['fee_units'] / 1e8:.8f}" in shown
    with pytest.raises(ConfigurationError, match="No such table"):
        run("ledger", str(path), "--table", "nope")


def test_seed_data_writes_months_and_days_with_checksums(tmp_path):
    out = tmp_path / "mirror"
    dates = ("--from", "2024-01-31", "--to", "2024-02-29")
    # The February outage leaves two hours without a bar.
    said = run("seed-data", str(out), "--symbol", "SOLUSDT", "--interval", "1h", *dates)
    assert f"{24 * 30 - 2} bars in 2 files" in said
    assert len(list(out.rglob("*.CHECKSUM"))) == 2
    with pytest.raises(ConfigurationError, match="Not a day"):
        run("seed-data", str(out), "--from", "2024-13-01", "--to", "2024-01-01")
    with pytest.raises(ConfigurationError, match="on or after"):
        run("seed-data", str(out), "--from", "2024-02-01", "--to", "2024-01-01")
