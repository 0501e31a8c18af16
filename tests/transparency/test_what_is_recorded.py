"""Everything that is signed, revoked or done to a key comes into the log, and nothing that tells of whom."""

from datetime import timedelta

import pytest

from testamur.clock import now
from testamur.credentials.badges import find_signed, publish_revocation
from testamur.credentials.queries import get_credential
from testamur.credentials.resigning import count_to_sign_anew, sign_again
from testamur.openbadges.transparency import credential_subject, document_digest
from testamur.signing_keys.compromising import mark_compromised
from testamur.signing_keys.creating import active_key
from testamur.signing_keys.model import DOCUMENT_CACHE
from testamur.signing_keys.retiring import retire_key
from testamur.signing_keys.rotating import rotate_key
from testamur.transparency.proving import inclusion_proof
from testamur.transparency.queries import entries_between
from testamur.worker.schedules import append_to_log
from testamur.worker.work import Worker

BODY = {"recipient": {"name": "Zoë 🙂 محمد", "email": "Zoe@Example.com"}, "issueDate": "2026-11-20"}


@pytest.fixture
def issue(api, group):
    def run(**more):
        draft = api("POST", "/credentials", {"groupId": group["id"], **BODY, **more}, status=201)
        return api("POST", f"/credentials/{draft['id']}/issue")

    return run


@pytest.fixture
def entered(platform):
    """The entries so far, all that waits included."""

    def run():
        append_to_log(platform, now())
        with platform.database.read() as tx:
            return [entry for _, entry in entries_between(tx, 0, 10_000)]

    return run


@pytest.fixture
def about(entered):
    """What was done to a credential, and to which document of it."""

    def run(credential):
        subject = credential_subject(credential["publicId"])
        return [(entry.kind, entry.digest) for entry in entered() if entry.subject == subject]

    return run


@pytest.fixture
def digest(platform, tenant):
    def run(credential):
        with platform.database.read() as tx:
            return document_digest(find_signed(tx, tenant.workspace.id, credential["id"]).parsed())

    return run


def test_the_whole_life_of_a_credential_is_in_the_log(api, issue, about, digest):
    issued = issue()
    first = digest(issued)
    api("PATCH", f"/credentials/{issued['id']}", {"recipient": {"name": "Zoë Ng"}})
    second = digest(issued)
    api("POST", f"/credentials/{issued['id']}/revoke")
    api("POST", f"/credentials/{issued['id']}/revoke", status=409)
    api("POST", f"/credentials/{issued['id']}/unrevoke")
    api("POST", f"/credentials/{issued['id']}/unrevoke", status=409)
    api("DELETE", f"/credentials/{issued['id']}", status=204)
    assert first != second
    assert about(issued) == [
        ("issue", first),
        ("resign", second),
        ("revoke", second),
        ("unrevoke", second),
        ("revoke", second),
    ]


def test_a_revocation_is_entered_only_when_the_bit_changes(api, platform, tenant, issue, about):
    issued = issue()
    api("POST", f"/credentials/{issued['id']}/revoke")
    with platform.database.write() as tx:
        publish_revocation(tx, get_credential(tx, tenant.workspace.id, issued["id"]), at=now())
    api("DELETE", f"/credentials/{issued['id']}", status=204)
    assert [kind for kind, _ in about(issued)] == ["issue", "revoke"]


def test_drafts_are_not_in_the_log(api, group, about):
    draft = api("POST", "/credentials", {"groupId": group["id"], **BODY}, status=201)
    api("DELETE", f"/credentials/{draft['id']}", status=204)
    assert about(draft) == []


def test_what_is_issued_in_bulk_is_proved_one_by_one(api, platform, group, entered, digest):
    items = [{"groupId": group["id"], "recipient": {"name": f"Person {number}"}} for number in range(40)]
    made = api("POST", "/credentials/bulk", {"items": items, "action": "issue"})
    entered()
    with platform.database.read() as tx:
        for item in made["results"]:
            credential = item["credential"]
            subject = credential_subject(credential["publicId"])
            assert inclusion_proof(tx, subject, digest=digest(credential)) is not None


def test_what_is_done_to_keys_is_in_the_log(platform, tenant, issue, entered, about, digest):
    issued = issue()
    at, later = now(), now() + DOCUMENT_CACHE + timedelta(minutes=1)

    def act(work, *arguments, **options):
        with platform.database.write() as tx:
            return work(tx, tenant.workspace, *arguments, master_key=platform.master_key, **options)

    first = act(active_key, "Ed25519", at=at)
    waits = act(rotate_key, "Ed25519", at=at)
    with platform.database.write() as tx:
        retire_key(tx, tenant.workspace.id, waits.id, at=at)
    second = act(rotate_key, "Ed25519", at=at)
    assert act(active_key, "Ed25519", at=later) == second
    done = act(mark_compromised, first.id, sign_anew=count_to_sign_anew, at=later)
    with platform.database.write() as tx:
        assert done.signed_anew == sign_again(tx, platform.signers, limit=10, at=later) == 1
    names = [first.id, waits.id, second.id]
    told = [(entry.kind, names.index(entry.subject)) for entry in entered() if entry.subject in names]
    assert told == [("key", 0), ("key", 1), ("retire", 1), ("key", 2), ("retire", 0), ("compromise", 0)]
    assert {entry.digest for entry in entered() if entry.subject == first.id} == {document_digest(first.public_key)}
    assert [kind for kind, _ in about(issued)] == ["issue", "resign"]
    assert about(issued)[-1][1] == digest(issued)


def test_entries_tell_nobody_whom_or_what_they_are_about(platform, tenant, issue, entered):
    issued = issue(customAttributes={"custom.mentor": "Grace Hopper"})
    entered()
    with platform.database.read() as tx:
        told = repr(entries_between(tx, 0, 100)) + repr(
            tx.exec_driver_sql("SELECT * FROM log_nodes, log_heads, log_entries").all()
        )
    secrets = [issued["publicId"], issued["id"], tenant.workspace.id, tenant.workspace.slug, "Meridian", "Zoë"]
    secrets += ["zoe@example.com", "Hopper", "Financial Markets", group_id(issued)]
    assert [secret for secret in secrets if secret.lower() in told.lower()] == []


def group_id(credential):
    return credential["groupId"]


def test_the_worker_enters_what_waits(platform, issue, about):
    issued = issue()
    worker = Worker(platform, "tests")
    worker.look()
    with platform.database.read() as tx:
        assert inclusion_proof(tx, credential_subject(issued["publicId"])) is not None
