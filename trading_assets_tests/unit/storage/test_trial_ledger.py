"""The chained ledger: what it keeps, and what it notices."""

import json

import pytest

from trading_assets.domain.errors import LedgerBroken
from trading_assets.storage.trial_chain import (
    HEAD,
    LEDGER,
    RETURNS,
    Head,
    read_proven,
    salvaged,
)
from trading_assets.storage.trial_ledger import TrialLedger, replace_ledger


def row(key, **values):
    return {"key": key, "purpose": "sweep", "trial_id": key, "refusal": "", **values}


def keys(root):
    return [one["key"] for one in read_proven(root).rows]


@pytest.fixture
def ledger(tmp_path):
    made = TrialLedger(tmp_path)
    made.append([row("a"), row("b", note_of_mine="é\n\r"), row("c", sharpe=0.1)])
    return made


def test_rows_come_back_in_order_each_with_the_hash_of_the_one_before(ledger, tmp_path):
    rows = ledger.read().rows

    assert [one["key"] for one in rows] == ["a", "b", "c"]
    assert [one["prev"] for one in rows] == [Head().hash, rows[0]["hash"], rows[1]["hash"]]
    assert ledger.read().head == Head(3, (tmp_path / LEDGER).stat().st_size, rows[-1]["hash"])


def test_a_row_is_entered_once_for_each_purpose(ledger, tmp_path):
    ledger.append([row("a"), row("d"), row("d"), {**row("a"), "purpose": "stress"}])
    TrialLedger(tmp_path).append([row("a"), row("e")])
    ledger.append([row("e"), row("f")])

    assert keys(tmp_path) == ["a", "b", "c", "d", "a", "e", "f"]
    assert ledger.lacking([("sweep", "a"), ("daily", "a")]) == {("daily", "a")}


def test_every_flipped_bit_and_every_cut_of_both_files_is_noticed(ledger, tmp_path):
    for name in (LEDGER, HEAD):
        path = tmp_path / name
        whole = path.read_bytes()
        for at in range(len(whole)):
            flipped = bytearray(whole)
            flipped[at] ^= 1 << (at % 8)
            path.write_bytes(flipped)
            with pytest.raises(LedgerBroken):
                read_proven(tmp_path)
            path.write_bytes(whole[:at])
            with pytest.raises(LedgerBroken):
                read_proven(tmp_path)
        path.write_bytes(whole)
    assert keys(tmp_path) == ["a", "b", "c"]


def test_whole_lines_that_are_taken_out_swapped_or_doubled_are_noticed(ledger, tmp_path):
    path = tmp_path / LEDGER
    one, two, three = path.read_bytes().splitlines(keepends=True)
    for lines in ([one, three], [two, one, three], [one, two, two, three], [one, two], []):
        path.write_bytes(b"".join(lines))
        with pytest.raises(LedgerBroken) as refused:
            TrialLedger(tmp_path).append([row("d")])
        assert "Restore" in refused.value.fix
        assert path.read_bytes() == b"".join(lines)


@pytest.mark.parametrize(
    ("gone", "what"),
    [([LEDGER], "is lost"), ([HEAD], "head of the ledger"), ([LEDGER, HEAD], "head with it")],
)
def test_a_file_that_is_deleted_is_noticed_by_readers_and_writers(ledger, tmp_path, gone, what):
    (tmp_path / RETURNS).mkdir()
    for name in gone:
        (tmp_path / name).unlink()

    for use in (lambda: TrialLedger(tmp_path).append([row("d")]), ledger.read):
        with pytest.raises(LedgerBroken, match=what):
            use()
    with pytest.raises(LedgerBroken, match=what):
        ledger.append([row("d")])


def test_who_goes_on_after_both_files_were_taken_away_begins_anew(ledger, tmp_path):
    for name in (LEDGER, HEAD):
        (tmp_path / name).unlink()

    ledger.append([row("a"), row("d")])

    assert keys(tmp_path) == ["a", "d"]


def test_an_earlier_copy_in_its_place_is_noticed(tmp_path):
    ledger = TrialLedger(tmp_path)
    ledger.append([row("a")])
    earlier = (tmp_path / LEDGER).read_bytes()
    ledger.append([row("b")])
    (tmp_path / LEDGER).write_bytes(earlier)

    with pytest.raises(LedgerBroken, match="was cut"):
        ledger.append([row("c")])


def test_what_a_killed_writer_left_behind_the_head_is_taken_when_whole_and_else_goes(tmp_path):
    ledger = TrialLedger(tmp_path)
    ledger.append([row("a")])
    head = (tmp_path / HEAD).read_bytes()
    ledger.append([row("b"), row("c")])
    whole = (tmp_path / LEDGER).read_bytes()
    (tmp_path / HEAD).write_bytes(head)
    (tmp_path / LEDGER).write_bytes(whole[:-5])

    assert keys(tmp_path) == ["a", "b"]
    TrialLedger(tmp_path).append([row("d")])
    assert keys(tmp_path) == ["a", "b", "d"]


def test_a_value_that_cannot_be_written_leaves_the_ledger_as_it_was(ledger, tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        ledger.append([row("d"), row("e", sharpe=float("nan"))])

    ledger.append([row("d")])
    assert keys(tmp_path) == ["a", "b", "c", "d"]


def test_nothing_to_append_makes_no_ledger(tmp_path):
    assert read_proven(tmp_path).rows == ()
    TrialLedger(tmp_path).append([])

    assert not (tmp_path / LEDGER).exists()
    assert read_proven(tmp_path).rows == ()


def test_a_ledger_without_a_chain_is_refused_with_the_way_out(tmp_path):
    (tmp_path / LEDGER).write_text(json.dumps(row("a"), sort_keys=True) + "\n")

    with pytest.raises(LedgerBroken, match="before it was chained") as refused:
        read_proven(tmp_path)
    assert "trials adopt" in refused.value.fix


def test_what_is_left_of_a_broken_one_is_chained_anew_and_the_rest_is_counted(ledger, tmp_path):
    path = tmp_path / LEDGER
    broken = path.read_bytes().replace(b'"key":"b"', b'"key":"x"')
    path.write_bytes(broken)

    rows, lost = salvaged(tmp_path)
    replace_ledger(tmp_path, rows, aside="aside.jsonl")

    assert ([one["key"] for one in rows], lost) == (["a", "c"], 1)
    assert keys(tmp_path) == ["a", "c"]
    assert (tmp_path / "aside.jsonl").read_bytes() == broken
    ledger.append([row("d")])
    assert keys(tmp_path) == ["a", "c", "d"]
