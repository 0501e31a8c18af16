"""The log from what is done to what is proved, on both databases."""

from base64 import b64decode
from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest
from sqlalchemy import text

from testamur.db.bulk import insert_many
from testamur.errors import Conflict, Invalid
from testamur.openbadges.merkle import leaf_hash, verify_consistency
from testamur.openbadges.transparency import (
    InvalidLogProof,
    credential_subject,
    document_digest,
    entry_bytes,
    log_key,
    read_entry,
    read_head,
    read_log_key,
    verify_log_proof,
)
from testamur.transparency.appending import ENTRIES_MAX, append_pending, is_append_due
from testamur.transparency.checking import check_log
from testamur.transparency.keys import find_log_key, log_origin, log_private_key
from testamur.transparency.proving import KINDS, consistency_proof, inclusion_proof
from testamur.transparency.queries import entries_between, find_head, heads_between, list_log_keys, log_status
from testamur.transparency.recording import record
from testamur.transparency.tables import log_entries, log_nodes

AT = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
ORIGIN = "badges.example.org/log"


def digest_of(number):
    return document_digest({"number": number})


@pytest.fixture
def note(platform):
    """Record that documents of these numbers were issued, each in a transaction of its own."""

    def run(*numbers, kind="issue"):
        for number in numbers:
            with platform.database.write() as tx:
                record(tx, kind, [(f"s{number}", digest_of(number))], at=AT)

    return run


@pytest.fixture
def enter(platform):
    """Enter what waits, one batch."""

    def run(at=AT, origin=ORIGIN):
        with platform.database.write() as tx:
            return append_pending(tx, origin=origin, master_key=platform.master_key, at=at)

    return run


@pytest.fixture
def entries(platform):
    def run():
        with platform.database.read() as tx:
            return [entry for _, entry in entries_between(tx, 0, 100_000)]

    return run


@pytest.fixture
def check(platform):
    def run(*kept):
        with platform.database.read() as tx:
            return check_log(tx, kept, advance=lambda _: None)

    return run


@pytest.fixture
def execute(platform):
    """Meddle with the tables."""

    def run(statement, **values):
        with platform.database.write() as tx:
            return tx.execute(text(statement), values)

    return run


def test_what_was_recorded_is_entered_in_order_after_the_key_of_the_log(platform, note, enter, entries):
    note(*range(30))
    with platform.database.write() as tx:
        record(tx, "issue", [(f"s{number}", digest_of(number)) for number in range(30, 60)], at=AT)
        record(tx, "issue", [], at=AT)
    assert enter() == 61
    assert enter() == 0
    found = entries()
    assert [entry.subject for entry in found if entry.kind == "issue"] == [f"s{number}" for number in range(60)]
    with platform.database.read() as tx:
        (key,) = list_log_keys(tx)
        status = log_status(tx)
    assert [entry.subject for entry in found if entry.kind == "key"] == [key.multikey]
    assert (status.head.size, status.pending, status.pending_since) == (61, 0, None)


def test_nothing_is_recorded_by_a_transaction_that_fails(platform, enter, entries):
    with pytest.raises(RuntimeError), platform.database.write() as tx:
        record(tx, "issue", [("s", digest_of(1))], at=AT)
        raise RuntimeError
    enter()
    assert [entry.kind for entry in entries()] == ["key"]


def test_entering_that_is_cut_off_has_not_happened_and_is_done_by_the_next(platform, note, enter, entries, check):
    note(1)
    enter()
    note(2, 3)
    with pytest.raises(RuntimeError), platform.database.write() as tx:
        assert append_pending(tx, origin=ORIGIN, master_key=platform.master_key, at=AT) == 2
        raise RuntimeError
    with platform.database.read() as tx:
        assert (find_head(tx).size, log_status(tx).pending) == (2, 2)
    note(4)
    assert enter() == 3
    assert [entry.subject for entry in entries() if entry.kind == "issue"] == ["s1", "s2", "s3", "s4"]
    assert check().fault is None


def test_several_that_enter_and_record_at_once_lose_nothing_and_keep_one_tree(platform, note, enter, entries, check):
    failures = []

    def work(first):
        try:
            for number in range(first, first + 12):
                note(number)
                enter()
        except Exception as error:  # noqa: BLE001 - it would be lost in the thread.
            failures.append(error)

    threads = [Thread(target=work, args=(first,)) for first in (0, 100, 200, 300)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    enter()
    assert failures == []
    found = [int(entry.subject[1:]) for entry in entries() if entry.kind == "issue"]
    assert sorted(found) == [first + number for first in (0, 100, 200, 300) for number in range(12)]
    # What one thread did after the other stands after it.
    assert all(
        [n for n in found if n // 100 == first] == sorted(n for n in found if n // 100 == first) for first in range(4)
    )
    assert check().fault is None
    with platform.database.read() as tx:
        assert len(list_log_keys(tx)) == 1


def test_more_than_a_batch_is_entered_in_several(platform, enter, check):
    with platform.database.write() as tx:
        for start in range(0, 2 * ENTRIES_MAX, 500):
            record(tx, "issue", [(f"s{n}", digest_of(n)) for n in range(start, start + 500)], at=AT)
    assert [enter(), enter(), enter()] == [ENTRIES_MAX, ENTRIES_MAX, 1]
    done = check()
    assert (done.size, done.heads, done.fault) == (2 * ENTRIES_MAX + 1, 3, None)


def test_proofs_of_every_entry_verify_without_the_server(platform, note, enter):
    for batch in (range(3), range(3, 4), range(4, 11)):
        note(*batch)
        enter()
    with platform.database.read() as tx:
        key = find_log_key(tx, ORIGIN).verifier_key
        for number in range(11):
            proof = inclusion_proof(tx, f"s{number}")
            entry, head = verify_log_proof(proof, {"number": number}, key)
            assert (entry.subject, head.size, head.origin) == (f"s{number}", 12, ORIGIN)
            assert inclusion_proof(tx, digest=digest_of(number)) == proof
            with pytest.raises(InvalidLogProof):
                verify_log_proof(proof, {"number": number + 1}, key)
        assert inclusion_proof(tx, "s99") is None
        assert inclusion_proof(tx, "s1", digest=digest_of(2)) is None
    other = log_key("rival.example/log", log_private_key_of(platform).public_key())
    with pytest.raises(InvalidLogProof):
        verify_log_proof(proof, {"number": 10}, other)


def log_private_key_of(platform):
    with platform.database.read() as tx:
        return log_private_key(find_log_key(tx, ORIGIN), platform.master_key)


def test_a_proof_is_of_the_newest_entry_of_the_kinds_asked_for(platform, note, enter):
    note(1)
    note(1, kind="revoke")
    enter()
    with platform.database.read() as tx:
        assert read_entry(inclusion_proof(tx, "s1").entry).kind == "issue"
        assert read_entry(inclusion_proof(tx, "s1", kinds=KINDS).entry).kind == "revoke"
        assert inclusion_proof(tx, "s1", kinds=["resign"]) is None
    note(1, kind="resign")
    with platform.database.read() as tx:
        assert read_entry(inclusion_proof(tx, "s1").entry).kind == "issue"
    enter()
    with platform.database.read() as tx:
        assert read_entry(inclusion_proof(tx, "s1").entry).kind == "resign"


def test_any_two_heads_are_proved_to_be_of_one_log(platform, note, enter):
    for count in (1, 2, 5, 1, 7, 3):
        note(*range(count))
        enter()
    with platform.database.read() as tx:
        heads = heads_between(tx, 0, 1000)
        assert [head.size for head in heads] == [2, 4, 9, 10, 17, 20]
        for old in heads:
            for new in heads:
                if old.size <= new.size:
                    path = [b64decode(part) for part in consistency_proof(tx, old.size, new.size, heads[-1])]
                    assert verify_consistency(old.size, new.size, path, old.root, new.root)
                    assert old == new or not verify_consistency(old.size, new.size, path, new.root, new.root)
        for old, new in ((3, 2), (0, 21), (-1, 5)):
            with pytest.raises(Invalid):
                consistency_proof(tx, old, new, heads[-1])


def test_heads_are_signed_in_the_servers_name_and_after_a_move_in_the_new_one(platform, note, enter, check):
    note(1)
    enter()
    with platform.database.read() as tx:
        assert not is_append_due(tx, ORIGIN)
        assert is_append_due(tx, log_origin("https://new.example/badges"))
    assert enter(origin="new.example/badges/log") == 1
    with platform.database.read() as tx:
        by_origin = {key.origin: key for key in list_log_keys(tx)}
        heads = heads_between(tx, 0, 100)
    assert set(by_origin) == {ORIGIN, "new.example/badges/log"}
    for head, origin in zip(heads, (ORIGIN, "new.example/badges/log"), strict=True):
        name, key = read_log_key(by_origin[origin].verifier_key)
        read = read_head(head.checkpoint, name, key)
        assert (read.origin, read.size, read.root) == (origin, head.size, head.root)
    assert check(heads[0].checkpoint).fault is None
    assert "PRIVATE" not in repr(by_origin) + str([key.sealed_private_key for key in by_origin.values()])


def test_times_never_go_back_though_clocks_do(note, enter, entries):
    note(1)
    enter(at=AT)
    note(2)
    enter(at=AT - timedelta(hours=1))
    assert [entry.time for entry in entries()] == ["2026-11-25T12:00:00Z"] * 3


@pytest.fixture
def grown(note, enter):
    for count in (4, 3, 6):
        note(*range(count))
        enter()


FAULTS = {
    "UPDATE log_entries SET subject = 'other' WHERE \"index\" = 6": "Entry 6 is not what was entered",
    "UPDATE log_entries SET time = '2026-11-24T12:00:00Z' WHERE \"index\" = 6": "Entry 6 is not what was entered",
    "UPDATE log_entries SET digest = 'short' WHERE \"index\" = 6": "Entry 6 is none that the log could hold",
    'DELETE FROM log_entries WHERE "index" = 6': "Entry 6 is missing",
    'DELETE FROM log_entries WHERE "index" = 13': "The newest tree head is of 14 entries, but there are 13",
    "DELETE FROM log_heads WHERE size = 14": "The newest tree head is of 8 entries, but there are 14",
    "DELETE FROM log_nodes WHERE position = 11": "The node 1 of level 2 is not that of the entries",
    "UPDATE log_nodes SET hash = (SELECT hash FROM log_nodes WHERE position = 0) WHERE position = 7":
        "The node 0 of level 3 is not that of the entries",
    "UPDATE log_heads SET checkpoint = (SELECT checkpoint FROM log_heads WHERE size = 8) WHERE size = 14":
        "The tree head of 14 entries has the checkpoint of another",
    "UPDATE log_heads SET checkpoint = replace(checkpoint, '14', '15') WHERE size = 14": "is not signed with the key",
}  # fmt: skip


@pytest.mark.parametrize("statement", FAULTS)
def test_whatever_is_changed_in_the_tables_is_found(grown, check, execute, statement):
    assert check().fault is None
    assert execute(statement).rowcount
    assert FAULTS[statement] in check().fault


def test_an_entry_that_is_changed_together_with_its_hash_is_found_by_the_head(platform, grown, check, entries, execute):
    changed = leaf_hash(entry_bytes(entries()[6]).replace(b'"s1"', b'"s2"'))
    execute("UPDATE log_entries SET subject = 's2' WHERE \"index\" = 6")
    execute("UPDATE log_nodes SET hash = :hash WHERE position = 12", hash=changed)
    assert check().fault == "The tree head of 8 entries is not the root of the entries"


def test_a_log_that_was_written_anew_is_found_by_who_kept_a_head(platform, grown, note, enter, check):
    with platform.database.read() as tx:
        kept = [head.checkpoint for head in heads_between(tx, 0, 100)]
    assert check(*kept).fault is None
    with platform.database.write() as tx:
        for table in ("log_entries", "log_nodes", "log_heads"):
            tx.execute(text(f"DELETE FROM {table}"))
    note(*range(20, 30))
    enter()
    assert check().fault is None
    assert "that you gave is not that of this log" in check(kept[0]).fault
    assert check(kept[2]).fault == "A checkpoint that you gave is of 14 entries, but there are only 10"
    assert "no key for checkpoints of 'rival.example/log'" in check(kept[0].replace(ORIGIN, "rival.example/log")).fault
    assert check("nonsense").fault is not None


def test_nothing_is_added_over_entries_that_somebody_has_added(platform, grown, note, enter):
    row = {"index": 14, "kind": "issue", "time": "2026-11-25T12:00:00Z", "subject": "x", "digest": digest_of(1)}
    with platform.database.write() as tx:
        insert_many(tx, log_entries, [row])
    note(1)
    with pytest.raises(Conflict, match="testamur log verify"):
        enter()
    with platform.database.read() as tx:
        assert log_status(tx).pending == 1


def test_an_empty_log_is_whole(check, platform):
    assert (check().size, check().fault) == (0, None)
    with platform.database.read() as tx:
        assert inclusion_proof(tx, "s1") is None
        assert log_status(tx).head is None
        assert tx.execute(log_nodes.select()).all() == []


def test_a_credential_is_called_by_the_hash_of_its_public_id():
    # As sha256sum says of it.
    expected = "32a95ed17eec1d947c786f1efe331c44717e1606b1f653dc18245b34a367455c"
    assert credential_subject("124a8110-1af5-4747-9308-000000000001") == expected
