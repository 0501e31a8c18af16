"""The log over HTTP, as a monitor and a verifier use it who have nothing else."""

from base64 import b64decode

import msgspec
import pytest

from testamur.clock import now
from testamur.openbadges import merkle
from testamur.openbadges.public_keys import from_jwk, from_multikey
from testamur.openbadges.transparency import (
    LogProof,
    document_digest,
    read_entry,
    read_head,
    read_log_key,
    verify_log_proof,
)
from testamur.transparency.recording import record
from testamur.worker.schedules import append_to_log


@pytest.fixture
def enter(platform):
    """Record that documents of these numbers were issued, and enter them."""

    def run(*numbers):
        with platform.database.write() as tx:
            record(tx, "issue", [(f"s{number}", digest_of(number)) for number in numbers], at=now())
        while append_to_log(platform, now()):
            pass

    return run


def digest_of(number):
    return document_digest({"number": number})


def head_of(client):
    name, key = read_log_key(client.get("/log/key").text.strip())
    return read_head(client.get("/log/checkpoint").text, name, key)


def test_a_monitor_reads_all_entries_and_finds_the_root_that_was_signed(client, enter):
    enter(*range(2500))
    head = head_of(client)
    assert (head.origin, head.size) == ("testserver/log", 2501)
    leaves, pages = [], 0
    while len(leaves) < head.size:
        page = client.get("/log/entries", params={"start": len(leaves)}).json()
        assert (page["start"], page["size"]) == (len(leaves), head.size)
        leaves += [merkle.leaf_hash(entry.encode()) for entry in page["entries"]]
        pages += 1
    nodes = {(node.level, node.index): node.hash for node in merkle.append({}.get, 0, leaves)}
    assert merkle.root(lambda level, index: nodes[level, index], head.size) == head.root
    assert pages == 3


def test_a_proof_of_a_document_verifies_with_the_key_and_nothing_else(client, enter):
    enter(1, 2, 3)
    key = client.get("/log/key").text.strip()
    by_subject = client.get("/log/proof/inclusion", params={"subject": "s2"})
    proof = msgspec.json.decode(by_subject.content, type=LogProof)
    entry, head = verify_log_proof(proof, {"number": 2}, key)
    assert (entry.subject, head.size) == ("s2", 4)
    for wanted in (
        {"digest": digest_of(2)},
        {"subject": "s2", "digest": digest_of(2)},
        {"subject": "s2", "kind": "issue"},
    ):
        assert client.get("/log/proof/inclusion", params=wanted).json() == by_subject.json()
    enter(4)
    again = msgspec.json.decode(client.get("/log/proof/inclusion?subject=s2").content, type=LogProof)
    assert verify_log_proof(again, {"number": 2}, key)[1].size == 5


def test_a_newer_log_is_proved_to_begin_with_an_older_one(client, enter):
    heads = []
    for batch in ((1, 2), (3,), (4, 5, 6, 7)):
        enter(*batch)
        heads.append(head_of(client))
    for old in heads:
        told = client.get("/log/proof/consistency", params={"old": old.size}).json()
        assert (told["old"], told["new"], told["checkpoint"]) == (old.size, 8, client.get("/log/checkpoint").text)
        path = [b64decode(part) for part in told["path"]]
        assert merkle.verify_consistency(old.size, 8, path, old.root, heads[-1].root)
    told = client.get("/log/proof/consistency?old=3&new=4").json()
    path = [b64decode(part) for part in told["path"]]
    assert merkle.verify_consistency(3, 4, path, heads[0].root, heads[1].root)
    assert read_head(told["checkpoint"], *read_log_key(client.get("/log/key").text.strip())) == heads[1]
    assert client.get("/log/proof/consistency?old=3&new=5").json()["checkpoint"] is None


def test_the_key_is_text_for_tools_and_json_for_who_asks(client, enter):
    enter(1)
    plain = client.get("/log/key")
    name, key = read_log_key(plain.text.strip())
    assert name == "testserver/log"
    assert plain.headers["content-type"].startswith("text/plain")
    assert plain.headers["vary"] == "Accept"
    (told,) = client.get("/log/key", headers={"Accept": "application/json"}).json()["keys"]
    assert (told["origin"], told["verifierKey"]) == (name, plain.text.strip())
    assert from_multikey(told["publicKeyMultibase"]) == from_jwk(told["publicKeyJwk"]) == key
    first = read_entry(client.get("/log/entries").json()["entries"][1])
    assert (first.kind, first.subject) == ("key", told["publicKeyMultibase"])


def test_everything_may_be_read_from_any_page_and_kept_as_long_as_it_is_true(client, enter):
    enter(*range(5))
    lasting = {
        "/log/checkpoint": "no-cache",
        "/log/key": "public, max-age=300",
        "/log/entries?start=1&end=3": "public, max-age=86400",
        "/log/entries?start=1": "no-cache",
        "/log/entries?start=1&end=900": "no-cache",
        "/log/proof/inclusion?subject=s1": "no-cache",
        "/log/proof/consistency?old=1": "no-cache",
    }
    for path, expected in lasting.items():
        answer = client.get(path)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, expected), path
        assert answer.headers["access-control-allow-origin"] == "*"
        assert client.get(path, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
        assert client.head(path).headers["etag"] == answer.headers["etag"]
    assert len(client.get("/log/entries?start=1&end=3").json()["entries"]) == 2
    assert len(client.get("/log/entries?start=1&end=900").json()["entries"]) == 5


WRONG = {
    "/log/entries?start=-1": (400, "start: must be a number"),
    "/log/entries?start=x": (400, "start: must be a number"),
    "/log/entries?start=²": (400, "start: must be a number"),
    f"/log/entries?start={'9' * 30}": (400, "start: must be a number"),
    "/log/entries?start=3&end=3": (400, "end: must be larger than start"),
    "/log/entries?start=999999999999999999": (404, "The log has 3 entries, the last of which is 2"),
    "/log/proof/inclusion": (400, "Say which entry"),
    "/log/proof/inclusion?subject=": (400, "subject: must be"),
    "/log/proof/inclusion?subject=a%20b": (400, "subject: must be"),
    "/log/proof/inclusion?digest=ABC": (400, "digest: must be a SHA-256"),
    "/log/proof/inclusion?subject=s1&kind=nonsense": (400, "kind: must be one of issue, revoke"),
    "/log/proof/inclusion?subject=s1&kind=revoke": (404, "no such entry"),
    "/log/proof/inclusion?subject=s9": (404, "no such entry"),
    "/log/proof/consistency": (400, "old: is missing"),
    "/log/proof/consistency?old=2&new=1": (400, "The log has 3 entries"),
    "/log/proof/consistency?old=2&new=4": (400, "The log has 3 entries"),
    "/log/nothing": (404, ""),
}  # fmt: skip


def test_what_is_asked_wrongly_is_told_as_json(client, enter):
    enter(1, 2)
    for path, (status, message) in WRONG.items():
        answer = client.get(path)
        assert answer.status_code == status, path
        assert message in answer.json()["error"]["message"], path
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["cache-control"] == "no-store"
    assert client.post("/log/checkpoint").status_code == 404


def test_a_log_without_entries_says_so(client):
    for path in ("/log/checkpoint", "/log/entries", "/log/proof/consistency?old=0"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["error"]["message"]) == (404, "The log has no entries yet")
    assert client.get("/log/proof/inclusion?subject=s1").status_code == 404
    assert client.get("/log/key").text == ""


def test_a_public_id_is_no_subject(api, client, group, enter):
    draft = api("POST", "/credentials", {"groupId": group["id"], "recipient": {"name": "Zoë"}}, status=201)
    issued = api("POST", f"/credentials/{draft['id']}/issue")
    enter()
    assert client.get("/log/proof/inclusion", params={"subject": issued["publicId"]}).status_code == 404
    assert issued["publicId"] not in client.get("/log/entries").text
