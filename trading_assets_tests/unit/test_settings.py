from decimal import Decimal

import pytest

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Symbol
from trading_assets.settings import load_settings


def load(tmp_path, toml="", **environ):
    if toml:
        (tmp_path / "trading_assets.toml").write_text(toml)
    return load_settings({"TA_HOME": str(tmp_path), **environ})


def test_defaults_load_and_say_where_they_came_from(tmp_path):
    loaded = load(tmp_path)
    assert loaded.settings.source == "embedded"
    assert loaded.settings.symbols == ("BTCUSDT", "ETHUSDT", "SOLUSDT")
    assert loaded.settings.data_root == tmp_path / "data"
    assert loaded.origins["exchange.port"] == "package defaults"


def test_the_environment_wins_over_the_file_and_the_file_over_the_defaults(tmp_path):
    loaded = load(
        tmp_path,
        "source = 'binance'\n[exchange]\nport = 9001\nseed = 3\n",
        TA_EXCHANGE__PORT="9002",
    )
    settings, origins = loaded.settings, loaded.origins
    assert (settings.source, settings.exchange.port, settings.exchange.seed) == ("binance", 9002, 3)
    assert origins["source"] == str(tmp_path / "trading_assets.toml")
    assert origins["exchange.port"] == "environment TA_EXCHANGE__PORT"
    assert origins["exchange.structure"] == "package defaults"


def test_variables_of_the_process_do_not_reach_settings_that_are_told_their_environment(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("TA_EXCHANGE", '{"port": 9002}')
    monkeypatch.setenv("TA_ARCHIVE_ROOT", str(tmp_path))
    assert load(tmp_path).settings == load_settings({"TA_HOME": str(tmp_path)}).settings
    assert load(tmp_path).settings.archive_root is None


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        (
            {"TA_REGIMES__LOOK_BACK_DAYS": "29", "TA_REGIMES__MIN_DAYS": "7"},
            ("look_back_days", "30", "29"),
        ),
        ({"TA_EXCHANGE__PORT": "99999"}, ["exchange.port", "TA_EXCHANGE__PORT", "65535", "99999"]),
        ({"TA_LIVE__BREAKER_VOLATILITY_X": "1"}, ["live.breaker_volatility_x", "above 1"]),
        ({"TA_SYMBOLS": '["btc"]'}, ["symbols", "A-Z"]),
        ({"TA_SYMBOLS": '["BTCUSDT","BTCUSDT"]'}, ["at most once"]),
        ({"TA_SYMBOLS": "BTCUSDT"}, ["JSON"]),
        ({"TA_SORCE": "binance"}, ["TA_SORCE", "Did you mean TA_SOURCE"]),
        ({"TA_HISTORY_START": "2024-13"}, ["history_start", "YYYY-MM"]),
        ({"TA_EXCHANGE__HOST": "0.0.0.0"}, ["exchange.host", "127.0.0.1"]),
        ({"TA_EXCHANGE__PROT": "1"}, ["exchange.prot"]),
        ({"TA_HOLDOUT__FIRST": "2024-13", "TA_HOLDOUT__LAST": "2025-01"}, ["holdout.first"]),
        (
            {"TA_HOLDOUT__FIRST": "2024-10", "TA_HOLDOUT__LAST": "2024-09"},
            ["holdout", "not before"],
        ),
        ({"TA_HOLDOUT__FIRST": "2024-10"}, ["holdout", "none of both"]),
    ],
)
def test_a_wrong_variable_is_named_with_what_was_expected_and_found(tmp_path, environ, words):
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, **environ)
    for word in words:
        assert word in str(caught.value)


def test_an_unknown_key_in_the_file_names_the_file(tmp_path):
    with pytest.raises(ConfigurationError, match=r"trading_assets\.toml"):
        load(tmp_path, "sourec = 'binance'\n")


def test_a_file_that_is_not_toml_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match="is not TOML"):
        load(tmp_path, "source = \n")


def test_secrets_come_from_the_environment_or_from_files(tmp_path):
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "binance_api_key").write_text("from-file\n")
    settings = load(tmp_path, TA_SECRETS_DIR=str(folder), TA_BINANCE_API_SECRET="from-env").settings
    assert settings.binance_api_key.get_secret_value() == "from-file"
    assert settings.binance_api_secret.get_secret_value() == "from-env"
    assert "from-env" not in repr(settings)


def test_a_secret_in_a_settings_file_is_refused_without_being_printed(tmp_path):
    with pytest.raises(ConfigurationError, match="is a secret") as caught:
        load(tmp_path, "binance_api_secret = 'hunter2'\n")
    assert "hunter2" not in str(caught.value)


def test_settings_are_frozen(tmp_path):
    settings = load(tmp_path).settings
    with pytest.raises(ValueError, match="frozen"):
        settings.source = "binance"


def test_a_symbol_may_have_a_source_and_facts_of_its_own(tmp_path):
    loaded = load(
        tmp_path,
        "[sources.old]\nkind = 'binance_archive'\nroot = 'mirror'\n"
        "[instruments.ETHUSDT]\nsource = 'old'\ncalendar = '24/7'\ntick = 0.1\n",
        TA_INSTRUMENTS__SOLUSDT__TICK="0.3",
    )
    settings = loaded.settings
    assert settings.source_of(Symbol("ETHUSDT")) == "old"
    assert settings.source_of(Symbol("BTCUSDT")) == "embedded"
    assert settings.sources["old"].root == tmp_path / "mirror"
    assert settings.instruments[Symbol("ETHUSDT")].tick == Decimal("0.1")
    assert settings.instruments[Symbol("SOLUSDT")].tick == Decimal("0.3")


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("source = 'nasdaq'", ["source", "embedded, binance, archive", "nasdaq"]),
        ("[instruments.BTCUSDT]\nsource = 'nasdaq'", ["instruments.BTCUSDT.source", "nasdaq"]),
        ("[sources.archive]\nkind = 'binance_archive'", ["sources", "built in"]),
        ("[sources.'Bad Name']\nkind = 'binance_archive'", ["sources", "a-z"]),
        ("[sources.x]\nkind = 'telepathy'", ["sources.x.kind", "telepathy"]),
        ("[instruments.'b t c']\ncalendar = '24/7'", ["instruments", "A-Z"]),
        ("[instruments.BTCUSDT]\ntick = 0", ["instruments.BTCUSDT.tick", "greater than 0"]),
    ],
)
def test_a_wrong_declaration_is_named(tmp_path, toml, words):
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, toml)
    for word in words:
        assert word in str(caught.value)


def test_tables_and_raw_files_may_lie_elsewhere_and_the_rest_stays(tmp_path):
    settings = load(tmp_path, TA_DATA_ROOT="state").settings
    assert settings.tables_root == str(tmp_path / "state" / "tables")
    assert settings.raw_root == str(tmp_path / "data" / "raw")
    urls = {"TA_TABLES_ROOT": "s3://bucket/tables", "TA_RAW_ROOT": "s3://bucket"}
    settings = load(tmp_path, **urls).settings
    assert (settings.tables_root, settings.raw_root) == ("s3://bucket/tables", "s3://bucket")
    assert settings.data_root == tmp_path / "data"


@pytest.mark.parametrize("url", ["gs://bucket/x", "s3://key:hidden-word@bucket/x", "s3://UPPER"])
def test_a_root_that_is_no_object_store_is_refused_and_credentials_are_not_shown(tmp_path, url):
    with pytest.raises(ConfigurationError, match="without credentials") as caught:
        load(tmp_path, TA_TABLES_ROOT=url)
    assert "hidden-word" not in str(caught.value)
    assert "tables_root" in caught.value.what


@pytest.mark.parametrize(
    "url", ["ws://example.com/stocks", "https://example.com", "wss://key@example.com/stocks"]
)
def test_a_stream_that_would_carry_the_key_in_the_open_is_refused(tmp_path, url):
    with pytest.raises(ConfigurationError, match="stream_url"):
        load(tmp_path, TA_SOURCES__VENDOR__KIND="polygon", TA_SOURCES__VENDOR__STREAM_URL=url)
