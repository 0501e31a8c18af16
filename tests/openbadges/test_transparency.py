import json
from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from testamur.openbadges.merkle import append, inclusion_path, leaf_hash, root
from testamur.openbadges.transparency import (
    Entry,
    InvalidLogProof,
    LogProof,
    TreeHead,
    document_digest,
    entry_bytes,
    log_key,
    read_entry,
    read_head,
    read_log_key,
    signed_head,
    verify_log_proof,
)

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
ORIGIN = "badges.example.org/log"
DOCUMENT = {"id": "https://a.example/1", "credentialSubject": {"creditsEarned": 2.50, "name": "É"}}
ENTRY = Entry(kind="issue", time="2026-11-25T12:00:00Z", subject="01JD", digest=document_digest(DOCUMENT))


def _proof(entries=None, index=3, document_entry=None):
    entries = entries or [
        entry_bytes(Entry(kind="key", time="2026-01-01T00:00:00Z", subject=f"k{number}", digest="0" * 64))
        for number in range(7)
    ]
    entries[index] = entry_bytes(document_entry or ENTRY)
    nodes = {(node.level, node.index): node.hash for node in append({}.get, 0, list(map(leaf_hash, entries)))}

    def node(level, at):
        return nodes[level, at]

    head = TreeHead(origin=ORIGIN, size=len(entries), root=root(node, len(entries)))
    return LogProof(
        entry=entries[index].decode(),
        index=index,
        path=[b64encode(part).decode() for part in inclusion_path(node, index, len(entries))],
        checkpoint=signed_head(head, KEY),
    )


def _changed(proof, **changes):
    return LogProof(**{**{name: getattr(proof, name) for name in proof.__struct_fields__}, **changes})


PROOF = _proof()
LOG_KEY = log_key(ORIGIN, KEY.public_key())


def test_the_checkpoint_of_a_public_log_is_read():
    # The first checkpoint of the Go checksum database that its documentation shows, and the key of that database.
    name, key = read_log_key("sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8")
    checkpoint = (
        "go.sum database tree\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\u2014 sum.golang.org "
        "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    )
    head = read_head(checkpoint, name, key)
    assert (head.origin, head.size) == ("go.sum database tree", 20_852_163)
    assert log_key(name, key) == "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
    with pytest.raises(InvalidLogProof, match="not signed"):
        read_head(checkpoint.replace("20852163", "20852164"), name, key)


def test_a_signed_head_has_the_form_of_a_checkpoint():
    lines = signed_head(TreeHead(origin=ORIGIN, size=7, root=bytes(32)), KEY).split("\n")
    assert lines[:4] == [ORIGIN, "7", b64encode(bytes(32)).decode(), ""]
    assert lines[4].startswith(f"\u2014 {ORIGIN} ")
    assert lines[5:] == [""]


def test_an_entry_is_canonical_json_without_anything_personal():
    assert json.loads(entry_bytes(ENTRY)) == {
        "digest": document_digest(DOCUMENT),
        "kind": "issue",
        "subject": "01JD",
        "time": "2026-11-25T12:00:00Z",
    }
    assert b" " not in entry_bytes(ENTRY)
    assert read_entry(entry_bytes(ENTRY)) == ENTRY


def test_a_digest_does_not_depend_on_how_the_json_is_written():
    other = json.loads(json.dumps(DOCUMENT, indent=2, sort_keys=True))
    assert document_digest(other) == document_digest(DOCUMENT)
    assert document_digest({**DOCUMENT, "id": "https://a.example/2"}) != document_digest(DOCUMENT)


def test_an_entry_in_the_log_proves_what_was_signed_and_when():
    entry, head = verify_log_proof(PROOF, DOCUMENT, LOG_KEY)
    assert entry == ENTRY
    assert head.size == 7


def test_signatures_of_witnesses_stand_beside():
    witness = "\u2014 witness.example AAAA\n"
    head = read_head(PROOF.checkpoint + witness, ORIGIN, KEY.public_key())
    assert head.size == 7
    assert read_head(PROOF.checkpoint.replace("\n\n", "\n\n" + witness), ORIGIN, KEY.public_key()) == head


OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes([1] * 32))


@pytest.mark.parametrize(
    ("proof", "key", "reason"),
    [
        (PROOF, log_key(ORIGIN, OTHER_KEY.public_key()), "not signed"),
        (PROOF, log_key("other.example", KEY.public_key()), "not signed"),
        (PROOF, "", "no key"),
        (PROOF, LOG_KEY.replace("+", "+0", 1), "no key"),
        (PROOF, LOG_KEY[:-4], "no key"),
        (_changed(PROOF, index=2), LOG_KEY, "not in the log"),
        (_changed(PROOF, index=7), LOG_KEY, "not in the log"),
        (_changed(PROOF, path=PROOF.path[:-1]), LOG_KEY, "not in the log"),
        (_changed(PROOF, path=["*"]), LOG_KEY, "cannot be read"),
        (_changed(PROOF, path=["é"]), LOG_KEY, "cannot be read"),
        (_changed(PROOF, entry=PROOF.entry.replace("12:00", "11:00")), LOG_KEY, "not in the log"),
        (_changed(PROOF, entry=PROOF.entry.replace(",", ", ")), LOG_KEY, "canonical"),
        (_changed(PROOF, entry="{}"), LOG_KEY, "no entry"),
        (_changed(PROOF, entry=PROOF.entry.replace("issue", "sneak")), LOG_KEY, "no entry"),
        (_changed(PROOF, checkpoint=PROOF.checkpoint.replace("7", "9", 1)), LOG_KEY, "not signed"),
        (_changed(PROOF, checkpoint=PROOF.checkpoint.replace("\n\n", "\n")), LOG_KEY, "no checkpoint"),
        (_changed(PROOF, checkpoint=""), LOG_KEY, "no checkpoint"),
        (_changed(PROOF, checkpoint=PROOF.checkpoint * 500), LOG_KEY, "no checkpoint"),
    ],
)
def test_proofs_that_do_not_hold_are_refused(proof, key, reason):
    with pytest.raises(InvalidLogProof, match=reason):
        verify_log_proof(proof, DOCUMENT, key)


@pytest.mark.parametrize("kind", ["revoke", "unrevoke", "key"])
def test_only_a_signing_in_the_log_proves_a_signing(kind):
    entry = Entry(kind=kind, time=ENTRY.time, subject=ENTRY.subject, digest=ENTRY.digest)
    with pytest.raises(InvalidLogProof, match="another document"):
        verify_log_proof(_proof(document_entry=entry), DOCUMENT, LOG_KEY)


def test_another_document_is_not_what_the_log_holds():
    with pytest.raises(InvalidLogProof, match="another document"):
        verify_log_proof(PROOF, {**DOCUMENT, "name": "x"}, LOG_KEY)


@pytest.mark.parametrize(
    "changes",
    [
        {"time": "2026-11-25"},
        {"time": "2026-11-25T12:00:00+01:00"},
        {"subject": ""},
        {"subject": "A. Person"},
        {"subject": "é"},
        {"digest": "0" * 63},
        {"kind": "sneak"},
    ],
)
def test_what_no_entry_may_hold_is_refused(changes):
    values = {"kind": "issue", "time": ENTRY.time, "subject": "01JD", "digest": "0" * 64, **changes}
    with pytest.raises(InvalidLogProof):
        entry_bytes(Entry(**values))


@pytest.mark.parametrize("origin", ["", "a log", "a+b", "a\nb", "é"])
def test_origins_that_cannot_name_a_log_are_refused(origin):
    with pytest.raises(ValueError, match="cannot name"):
        signed_head(TreeHead(origin=origin, size=1, root=bytes(32)), KEY)


@given(st.text(), st.text(), st.text(), st.integers(), st.lists(st.text()))
def test_anything_is_read_or_refused(checkpoint, key, entry, index, path):
    proof = LogProof(entry=entry, index=index, path=path, checkpoint=checkpoint)
    for known in (key, LOG_KEY):
        with pytest.raises(InvalidLogProof):
            verify_log_proof(proof, DOCUMENT, known)
    with pytest.raises(InvalidLogProof):
        verify_log_proof(_changed(PROOF, entry=entry), DOCUMENT, LOG_KEY)
    with pytest.raises(InvalidLogProof):
        verify_log_proof(_changed(PROOF, path=path), DOCUMENT, LOG_KEY)
