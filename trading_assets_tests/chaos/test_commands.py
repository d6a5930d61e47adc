"""The chaos commands in small: each holds, and each can fail."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import psutil
import pytest

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.events import OrderFilled
from trading_assets.exchange.server import ExchangeConfig, running_exchange
from trading_assets.live.lease import Lease
from trading_assets.simulation.chaos import journal_damage, lease_races, send_order
from trading_assets.simulation.chaos.book_judge import violations
from trading_assets.simulation.chaos.canaries import look_for_canaries, scan
from trading_assets.simulation.chaos.journal_damage import damage_journal
from trading_assets.simulation.chaos.kills import kill_again_and_again
from trading_assets.simulation.chaos.lease_races import race_for_leases
from trading_assets.simulation.chaos.rig import START, Rig
from trading_assets.simulation.chaos.send_order import Trace, watch_sends
from trading_assets.simulation.chaos.tracing import traced, tracee
from trading_assets.simulation.chaos.verdict import Verdict, problems, record
from trading_assets.storage.journal_files import Mark
from trading_assets.storage.journal_reader import JournalReader

HELD = Verdict("A18", {"races": 3})


@pytest.mark.slow
def test_of_executors_that_start_at_once_one_wins_in_silence(tmp_path):
    verdict = race_for_leases(5, 7, tmp_path)

    assert verdict.wrong == ()
    assert verdict.figures["winners"] == 5
    assert verdict.figures["losers"] >= 5


@pytest.mark.slow
def test_a_loser_that_speaks_is_seen(tmp_path, monkeypatch):
    talks = "socket.create_connection(('127.0.0.1', port)).close()\n    sys.exit(3)"
    monkeypatch.setattr(lease_races, "_RACER", lease_races._RACER.replace("sys.exit(3)", talks))

    assert any("network calls" in line for line in race_for_leases(2, 7, tmp_path).wrong)


@pytest.mark.slow
def test_a_lease_that_nobody_gets_is_a_violation(tmp_path, monkeypatch):
    monkeypatch.setattr(lease_races, "_PATIENCE_S", 2.0)
    with Lease(tmp_path / "account.lock"):
        verdict = race_for_leases(1, 7, tmp_path)

    assert "race 0: 0 winners" in verdict.wrong


def test_without_an_observer_there_is_no_verdict(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ConfigurationError, match="apt-get install strace"):
        traced(["true"], tmp_path / "log", "%network")


def test_a_verdict_takes_the_place_of_an_older_one_of_the_same_command(tmp_path):
    path = tmp_path / "evidence.json"
    record(path, HELD, "trading-assets chaos lease --n 3")
    record(path, Verdict("A9", {"kills": 1}), "trading-assets chaos kill9 --rounds 1")
    record(path, Verdict("A18", {"races": 4}), "trading-assets chaos lease --n 3")

    entries = json.loads(path.read_text())
    assert problems(entries) == []
    assert [entry["id"] for entry in entries] == ["A9", "A18"]
    assert entries[1]["figures"]["races"] == 4


def test_a_violation_is_never_evidence(tmp_path):
    with pytest.raises(ConfigurationError, match="does not hold"):
        record(tmp_path / "evidence.json", Verdict("A18", {}, ("two winners",)), "command")
    assert not (tmp_path / "evidence.json").exists()
    assert problems([{"id": "A18"}]) != []
    assert problems([{"id": "x", "command": "", "date": "", "revision": "", "figures": {}}]) != []


@pytest.mark.long
@pytest.mark.slow
def test_twenty_kills_lose_and_double_nothing(tmp_path):
    verdict = kill_again_and_again(20, 3, tmp_path)

    assert verdict.wrong == ()
    assert verdict.figures["orders_placed"] > 0
    assert len(verdict.figures["kills_by_place"]) > 1


@pytest.mark.slow
def test_what_the_ledger_does_not_bear_out_is_a_violation(tmp_path):
    config = ExchangeConfig(start=START, warp=300, sim_controls=True, weight_limit=10**9)
    with running_exchange(config) as exchange:
        rig = Rig(tmp_path, exchange)
        try:
            rig.publish("1m")
            rig.start()
            rig.until(lambda: rig.count(OrderFilled) > 2, "three fills")
            assert rig.stop() == 0
            assert violations(rig) == []

            true = rig.ledger()
            order, trade = true["orders"][0], true["trades"][0]
            altered = {
                "was placed 2 times": {"orders": [*true["orders"], order]},
                "is doubled or invented": {"trades": true["trades"][1:]},
                "is lost": {"trades": [*true["trades"], {**trade, "trade_id": 9**9}]},
                "journal lacks": {"orders": [{**order, "client_order_id": "ta-x"}]},
                "journal makes it": {"balances": []},
            }
            for words, tables in altered.items():
                rig.ledger = lambda tables=tables: true | tables
                assert any(words in line for line in violations(rig)), words
        finally:
            rig.close()


@pytest.mark.slow
def test_a_damaged_journal_is_whole_or_refused(tmp_path):
    verdict = damage_journal(1_500, 2_999, 2, tmp_path)

    assert verdict.wrong == ()
    assert verdict.figures["fates"]["flip database"]["refused"] > 0
    assert verdict.figures["fates"]["cut log"].keys() == {"refused"}


def test_a_journal_that_is_believed_without_proof_is_a_violation(tmp_path, monkeypatch):
    class Believer(JournalReader):
        def verify(self):
            return Mark(120, 0)

    monkeypatch.setattr(journal_damage, "JournalReader", Believer)

    verdict = damage_journal(0, 20_000, 2, tmp_path)

    assert any("shortened" in line for line in verdict.wrong)


PAGE = '7 1.1 pwrite64(8</d/journal.sqlite-wal>, "\\0OrderSubmittedta-1{\\"auth", 4096, 56) = 4096'
SYNC = "7 1.2 fdatasync(8</d/journal.sqlite-wal>) = 0"
POST = '7 1.3 sendto(4<socket:[1]>, "POST /api/v3/order HTTP/1.1", 27, 0, NULL, 0) = 27'
BODY = '7 1.4 sendto(4<socket:[1]>, "newClientOrderId=ta-1&side=BUY", 30, 0, NULL, 0) = 30'


@pytest.mark.parametrize(
    ("log", "is_wrong"),
    [
        ([PAGE, SYNC, POST, BODY], False),
        ([PAGE, SYNC.replace("= 0", "= -1 EIO"), POST, BODY], True),
        ([SYNC, PAGE, POST, BODY], True),
        ([PAGE, POST, SYNC, BODY], True),
        ([PAGE, SYNC.replace("wal>)", "shm>)"), POST, BODY], True),
        ([PAGE, SYNC.replace(") = 0", " <unfinished ...>"), POST, BODY], True),
        (
            [
                PAGE,
                SYNC.replace(") = 0", " <unfinished ...>"),
                "7 1.3 <... fdatasync resumed>) = 0",
                POST,
                BODY,
            ],
            False,
        ),
    ],
)
def test_an_order_that_leaves_before_its_row_is_durable_is_seen(log, is_wrong):
    trace = Trace()
    trace.read(log)

    assert trace.sent == ["ta-1"]
    assert bool(trace.wrong) is is_wrong


@pytest.mark.slow
def test_every_order_leaves_after_its_row_is_durable(tmp_path):
    verdict = watch_sends(5, tmp_path)

    assert verdict.wrong == ()
    assert verdict.figures["durable_before"] >= 5


@pytest.mark.slow
def test_a_watch_that_fails_leaves_no_executor_behind(tmp_path, monkeypatch):
    watched, heads = [], []

    def fails(rig, orders):
        heads.append(rig.head())
        if heads[-1] > heads[0]:  # so it runs, and strace has started it
            watched.append(psutil.Process(tracee(rig.process.pid)))
            raise ZeroDivisionError
        return False

    monkeypatch.setattr(send_order, "_has_sent", fails)

    with pytest.raises(ZeroDivisionError):
        watch_sends(1, tmp_path)
    assert [process.is_running() for process in watched] == [False]


def test_a_canary_in_a_database_or_a_log_is_found(tmp_path):
    (tmp_path / "deeper").mkdir()
    (tmp_path / "clean.log").write_text("nothing here")
    (tmp_path / "deeper" / "run.log").write_text("GET /api?timestamp=1&signature=00ff")
    with closing(sqlite3.connect(tmp_path / "runs.db")) as db, db:
        db.execute("CREATE TABLE run (said TEXT)")
        db.execute("INSERT INTO run VALUES ('key canary-7 refused')")

    found = scan(tmp_path, {"key": b"canary-7", "signature": b"signature="})

    assert found == [("signature", "deeper/run.log"), ("key", "runs.db")]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_failing_runs_leave_no_secret_behind(tmp_path):
    verdict = look_for_canaries(tmp_path)

    assert verdict.wrong == ()
    assert verdict.figures["of_them_in_dagster"] > 0
    assert verdict.figures["requests_with_the_key"] > 0
    assert verdict.figures["bytes_scanned"] > 10_000
