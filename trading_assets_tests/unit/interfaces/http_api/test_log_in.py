"""Keys, codes and tokens: what they are worth, for how long, and what ends them."""

from __future__ import annotations

import stat

import jwt
import pytest

from trading_assets.domain.errors import ConfigurationError
from trading_assets.interfaces.http_api.access import ACCESS_S, CODE_S, SESSION_S
from trading_assets.interfaces.http_api.key_files import Scope, key_path, load_keys
from trading_assets.interfaces.http_api.server import keys_folder


def key_of(endpoint, scope):
    return key_path(keys_folder(endpoint.desk.settings), scope).read_text().strip()


def log_in(endpoint, **body):
    return endpoint.http.post("/api/token", json=body)


def me(endpoint, access):
    return endpoint.get("/api/me", token=access)


@pytest.mark.parametrize("scope", list(Scope))
def test_ctl_13_a_key_gives_a_token_of_its_scope_for_a_quarter_of_an_hour(endpoint, scope):
    given = log_in(endpoint, key=key_of(endpoint, scope), name="ann").json()
    assert (given["scope"], given["expires_in"]) == (scope.text, ACCESS_S)
    assert me(endpoint, given["access"]).json()["scope"] == scope.text
    endpoint.clock.wait(ACCESS_S + 1)
    late = me(endpoint, given["access"])
    assert (late.status_code, late.json()["error"]) == (401, "This token has expired")


def test_a_code_counts_once_and_for_ten_minutes(endpoint):
    used, late = (endpoint.served.access.code("ann", Scope.TRADE) for _ in range(2))
    assert log_in(endpoint, code=used).json()["name"] == "ann"
    assert log_in(endpoint, code=used).status_code == 401
    endpoint.clock.wait(CODE_S + 1)
    assert log_in(endpoint, code=late).status_code == 401
    assert log_in(endpoint, code=late, key=late).status_code == 422
    assert log_in(endpoint, key="x" * 43).status_code == 401


def test_a_refresh_token_is_exchanged_once_and_its_replay_ends_the_session(endpoint):
    first = log_in(endpoint, key=key_of(endpoint, Scope.READ)).json()
    renewed = endpoint.http.post("/api/token/refresh", json={"refresh": first["refresh"]}).json()
    assert me(endpoint, renewed["access"]).status_code == 200
    replay = endpoint.http.post("/api/token/refresh", json={"refresh": first["refresh"]})
    assert replay.status_code == 401
    for access in (first["access"], renewed["access"]):
        assert me(endpoint, access).status_code == 401
    body = {"refresh": renewed["refresh"]}
    assert endpoint.http.post("/api/token/refresh", json=body).status_code == 401


def test_a_session_ends_when_it_is_taken_back_or_too_old(endpoint):
    taken = log_in(endpoint, key=key_of(endpoint, Scope.READ)).json()
    body = {"refresh": taken["refresh"]}
    assert endpoint.http.post("/api/token/revoke", json=body).status_code == 204
    assert me(endpoint, taken["access"]).status_code == 401
    old = log_in(endpoint, key=key_of(endpoint, Scope.READ)).json()
    endpoint.clock.wait(SESSION_S + 1)
    body = {"refresh": old["refresh"]}
    assert endpoint.http.post("/api/token/refresh", json=body).status_code == 401


@pytest.mark.parametrize("forged", ["none", "other key", "other audience", "more scope"])
def test_a_forged_token_is_worth_nothing(endpoint, forged):
    signing = load_keys(keys_folder(endpoint.desk.settings)).signing
    real = jwt.decode(
        endpoint.tokens[Scope.READ], signing, algorithms=["HS256"], audience="trading_assets",
        options={"verify_exp": False},
    )  # fmt: skip
    made = {
        "none": lambda: jwt.encode(real, "", algorithm="none"),
        "other key": lambda: jwt.encode(real, "k" * 43, algorithm="HS256"),
        "other audience": lambda: jwt.encode({**real, "aud": "x"}, signing, algorithm="HS256"),
        "more scope": lambda: jwt.encode({**real, "scope": "admin"}, signing, algorithm="HS256"),
    }[forged]()
    if forged == "more scope":  # what a token says of itself does not count; its session does
        assert me(endpoint, made).json()["scope"] == "read"
    else:
        assert me(endpoint, made).status_code == 401


def test_keys_are_made_once_and_only_their_owner_reads_them(tmp_path):
    first = load_keys(tmp_path)
    assert first == load_keys(tmp_path)
    assert len({*first.of, first.arm, first.signing.decode()}) == 5
    assert "key" not in repr(first).replace("Keys(", "")
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
    key_path(tmp_path, Scope.READ).chmod(0o644)
    with pytest.raises(ConfigurationError, match="0644"):
        load_keys(tmp_path)
    key_path(tmp_path, Scope.READ).chmod(0o600)
    key_path(tmp_path, Scope.READ).write_text("short")
    with pytest.raises(ConfigurationError, match="No key"):
        load_keys(tmp_path)


def test_nothing_that_logs_in_is_stored_as_it_is(endpoint):
    given = log_in(endpoint, key=key_of(endpoint, Scope.ADMIN)).json()
    folder = keys_folder(endpoint.desk.settings)
    stored = b"".join(path.read_bytes() for path in folder.glob("control.sqlite*"))
    assert given["refresh"].encode() not in stored
    assert given["access"].encode() not in stored
    assert stat.S_IMODE((folder / "control.sqlite").stat().st_mode) == 0o600
