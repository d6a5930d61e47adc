"""`trading-assets exchange serve`: how its options become a configuration."""

import pytest
from typer.testing import CliRunner

from trading_assets.domain.errors import DataError
from trading_assets.exchange import server
from trading_assets.interfaces.cli.exchange import app
from trading_assets.interfaces.cli.instants import instant_from_text


@pytest.fixture
def served(monkeypatch, tmp_path):
    """Run the command and give the configuration it would serve."""
    monkeypatch.setenv("TA_HOME", str(tmp_path))
    configs = []
    monkeypatch.setattr(server, "serve", lambda config, announce: configs.append(config))

    def run(*options):
        CliRunner().invoke(app, ["serve", *options], catch_exceptions=False)
        return configs[-1]

    return run


def test_settings_are_the_defaults(served, tmp_path):
    config = served()
    assert (config.port, config.seed, config.structure) == (8787, 7, 0.5)
    assert config.symbols == ("BTCUSDT", "ETHUSDT", "SOLUSDT")
    assert config.ledger == tmp_path / "data" / "exchange" / "ledger.sqlite"
    assert (config.start, config.sim_controls, config.stepped) == (None, False, False)


def test_options_win_over_settings(served, tmp_path):
    options = ("--port", "0", "--seed", "3", "--structure", "0", "--start", "2024-04-01")
    config = served(*options, "--warp", "60", "--sim-controls")
    assert (config.port, config.seed, config.structure, config.warp) == (0, 3, 0, 60)
    assert config.start == 1_711_929_600_000_000
    assert config.ledger is None
    assert config.sim_controls
    path = tmp_path / "mine.sqlite"
    assert served("--start", "2024-04-01", "--stepped", "--ledger", str(path)).ledger == path


def test_a_replay_lists_what_the_folder_has_from_its_first_minute(served, tmp_path):
    rows = [f"{1_711_929_600_000 + minute * 60_000},5,6,4,5,1,0,5,1,1,5,0" for minute in range(3)]
    (tmp_path / "ADAUSDT-1m-2024-04-01.csv").write_text("\n".join(rows))
    config = served("--replay", str(tmp_path))
    assert config.symbols == ("ADAUSDT",)
    assert config.replay == tmp_path
    assert config.start == 1_711_929_600_000_000
    assert config.ledger is None
    later = served("--replay", str(tmp_path), "--start", "2024-04-01T00:01:00Z")
    assert later.start == 1_711_929_660_000_000


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2024-04-01", 1_711_929_600),
        ("2024-04-01T00:00:00Z", 1_711_929_600),
        ("2024-04-01T02:00:00+02:00", 1_711_929_600),
    ],
)
def test_instants_are_read_as_utc(text, seconds):
    assert instant_from_text(text) == seconds * 1_000_000


def test_what_is_no_instant_is_refused():
    with pytest.raises(DataError, match="Not an instant"):
        instant_from_text("yesterday")
