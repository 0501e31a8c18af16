"""Keys that sign: made once, rotated so that no verifier is surprised, destroyed when they sign no more."""

import threading
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from sqlalchemy import text

from testamur.encryption import MasterKey, WrongMasterKey
from testamur.errors import Conflict, Invalid, NotFound
from testamur.openbadges.public_keys import from_jwk, from_multikey, jwk_thumbprint
from testamur.signing_keys.compromising import mark_compromised
from testamur.signing_keys.creating import active_key, add_keys, private_key
from testamur.signing_keys.model import DOCUMENT_CACHE
from testamur.signing_keys.publishing import public_jwk, verification_methods
from testamur.signing_keys.queries import find_active_key, get_key, list_jwt_keys, list_keys, states_of
from testamur.signing_keys.retiring import retire_key
from testamur.signing_keys.rotating import rotate_key

AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DID = "did:web:testserver:i:meridian"


@pytest.fixture
def act(platform, tenant):
    """One transaction about the tenant's keys."""

    def run(work, *arguments, workspace=tenant.workspace, at=AT, **options):
        with platform.database.write() as tx:
            return work(tx, workspace, *arguments, master_key=platform.master_key, at=at, **options)

    return run


@pytest.fixture
def keys(platform, tenant):
    def read(workspace=tenant.workspace):
        with platform.database.read() as tx:
            return list_keys(tx, workspace.id)

    return read


@pytest.fixture
def retire(platform, tenant):
    def run(key_id, at=AT, workspace=tenant.workspace):
        with platform.database.write() as tx:
            return retire_key(tx, workspace.id, key_id, at=at)

    return run


def compromise(act, key_id, **options):
    return act(mark_compromised, key_id, sign_anew=lambda *_: 0, **options)


def test_the_first_use_makes_a_key_that_signs_and_the_next_finds_it(act, keys, platform):
    made = act(active_key, "Ed25519")
    assert from_multikey(made.id) == from_jwk(made.public_key)
    assert (made.active_from, made.retired_at) == (AT, None)
    private = private_key(made, platform.master_key)
    assert isinstance(private, Ed25519PrivateKey)
    from_multikey(made.id).verify(private.sign(b"document"), b"document")
    assert act(active_key, "Ed25519", at=AT + MINUTE) == made
    assert keys() == [made]


def test_an_rs256_key_is_named_by_its_thumbprint(act, platform):
    made = act(active_key, "RS256")
    public = from_jwk(made.public_key)
    assert (made.id, public.key_size) == (jwk_thumbprint(public), 2048)
    private = private_key(made, platform.master_key)
    assert isinstance(private, RSAPrivateKey)
    public.verify(private.sign(b"token", PKCS1v15(), SHA256()), b"token", PKCS1v15(), SHA256())
    assert public_jwk(made) == {**made.public_key, "kid": made.id, "alg": "RS256", "use": "sig"}
    assert sorted(public_jwk(made)) == ["alg", "e", "kid", "kty", "n", "use"]


def test_a_workspace_gets_one_key_of_each_algorithm(act, keys):
    act(add_keys)
    assert sorted(key.algorithm for key in keys()) == ["Ed25519", "RS256"]
    act(add_keys)
    assert len(keys()) == 2


@pytest.mark.parametrize("algorithm", ["Ed25519", "RS256"])
def test_two_that_need_the_first_key_at_once_get_the_same(act, keys, algorithm):
    got, barrier = [], threading.Barrier(4)

    def need():
        barrier.wait()
        got.append(act(active_key, algorithm))

    threads = [threading.Thread(target=need) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert [key.id for key in got] == [keys()[0].id] * 4
    assert len(keys()) == 1


def test_keys_of_another_workspace_are_not_used(act, keys, platform, tenant, other_tenant, retire):
    theirs = act(active_key, "Ed25519", workspace=other_tenant.workspace)
    with platform.database.read() as tx:
        assert find_active_key(tx, tenant.workspace.id, "Ed25519", at=AT) is None
    ours = act(active_key, "Ed25519")
    assert ours.id != theirs.id
    assert keys() == [ours]
    act(rotate_key, "Ed25519")
    with pytest.raises(NotFound):
        retire(theirs.id)
    with pytest.raises(NotFound):
        compromise(act, theirs.id)
    assert keys(other_tenant.workspace) == [theirs]


def test_a_rotated_key_is_published_first_and_signs_when_no_copy_is_without_it(act, keys, platform):
    old = act(active_key, "Ed25519")
    act(active_key, "RS256")
    new = act(rotate_key, "Ed25519", at=AT + MINUTE)
    starts = AT + MINUTE + DOCUMENT_CACHE
    assert new.active_from == starts
    assert {method.id for method in verification_methods(DID, keys())} >= {f"{DID}#{old.id}", f"{DID}#{new.id}"}
    assert act(active_key, "Ed25519", at=starts - MINUTE) == old
    assert states_of(keys(), starts - MINUTE)[new.id] == "next"
    assert states_of(keys(), starts)[old.id] == "superseded"
    with pytest.raises(Conflict, match="is published already and signs from 2026-11-24 13:01 UTC"):
        act(rotate_key, "Ed25519", at=starts - MINUTE)
    assert act(active_key, "Ed25519", at=starts) == new
    retired = next(key for key in keys() if key.id == old.id)
    assert (retired.retired_at, retired.sealed_private_key) == (starts, None)
    with pytest.raises(Conflict, match="signs no more"):
        private_key(retired, platform.master_key)
    # What the old one signed goes on verifying, and the other algorithm is left alone.
    assert f"{DID}#{old.id}" in {method.id for method in verification_methods(DID, keys())}
    assert sorted(states_of(keys(), starts).values()) == ["active", "active", "retired"]
    assert act(rotate_key, "Ed25519", at=starts).active_from == starts + DOCUMENT_CACHE


def test_the_first_rotation_of_a_workspace_without_keys_makes_one_that_signs_at_once(act):
    assert act(rotate_key, "RS256").active_from == AT


def test_a_server_whose_clock_is_behind_signs_with_the_new_key(act):
    act(active_key, "Ed25519")
    new = act(rotate_key, "Ed25519")
    act(active_key, "Ed25519", at=new.active_from)
    assert act(active_key, "Ed25519", at=new.active_from - MINUTE) == new


def test_a_key_is_retired_only_when_another_signs(act, keys, retire):
    old = act(active_key, "Ed25519")
    with pytest.raises(Conflict, match="is the one that signs; make another with testamur keys rotate"):
        retire(old.id)
    new = act(rotate_key, "Ed25519")
    with pytest.raises(Conflict, match="is the one that signs"):
        retire(old.id, at=new.active_from - MINUTE)
    retired = retire(old.id, at=new.active_from)
    assert retired in keys()
    assert retired.sealed_private_key is None
    with pytest.raises(Conflict, match="signs no more already"):
        retire(old.id, at=new.active_from)


def test_a_compromised_key_is_unpublished_and_another_signs_at_once(act, keys, platform):
    stolen, untouched = act(active_key, "Ed25519"), act(active_key, "RS256")
    told = []

    def sign_anew(tx, workspace, key):
        told.append((workspace.id, key.id, find_active_key(tx, workspace.id, "Ed25519", at=AT).id))
        return 7

    done = act(mark_compromised, stolen.id, reason="Laptop was stolen", sign_anew=sign_anew)
    assert done.signed_anew == 7
    assert told == [(stolen.workspace_id, stolen.id, done.replacement.id)]
    assert (done.key.compromised_at, done.key.reason, done.key.sealed_private_key) == (AT, "Laptop was stolen", None)
    assert act(active_key, "Ed25519") == done.replacement
    assert {method.id for method in verification_methods(DID, keys())} == {
        f"{DID}#{untouched.id}",
        f"{DID}#{done.replacement.id}",
    }
    assert done.key in keys()
    with pytest.raises(Conflict, match="was marked as compromised on 2026-11-24 already"):
        compromise(act, stolen.id)
    with pytest.raises(Conflict, match="signs no more"):
        private_key(stolen.__class__(**{**msgspec.structs.asdict(stolen), "compromised_at": AT}), platform.master_key)


def test_when_a_key_is_compromised_one_that_was_rotated_away_does_not_come_back(act, keys):
    old = act(active_key, "Ed25519")
    new = act(rotate_key, "Ed25519")
    done = compromise(act, new.id, at=new.active_from)
    assert states_of(keys(), new.active_from) == {
        old.id: "retired",
        new.id: "compromised",
        done.replacement.id: "active",
    }


def test_a_key_that_does_not_sign_is_compromised_without_a_new_one(act, keys):
    old = act(active_key, "Ed25519")
    waits = act(rotate_key, "Ed25519")
    assert compromise(act, waits.id).replacement is None
    assert act(active_key, "Ed25519") == old
    new = act(rotate_key, "Ed25519")
    assert act(active_key, "Ed25519", at=new.active_from) == new
    assert compromise(act, old.id, at=new.active_from).replacement is None
    assert act(active_key, "Ed25519", at=new.active_from) == new


def test_a_reason_that_cannot_be_kept_changes_nothing(act, keys):
    key = act(active_key, "Ed25519")
    with pytest.raises(Invalid, match="reason"):
        compromise(act, key.id, reason="x" * 501)
    assert keys() == [key]


def test_no_private_key_is_stored_or_shown_in_clear(act, platform, capfd):
    act(add_keys)
    with platform.database.read() as tx:
        rows = [str(cell) for row in tx.execute(text("SELECT * FROM signing_keys")) for cell in row]
        keys = list_keys(tx, act(active_key, "Ed25519").workspace_id)
    assert not any("PRIVATE" in cell for cell in rows)
    for key in keys:
        assert key.sealed_private_key in rows
        assert key.sealed_private_key[:20] not in repr(key) + str(key) + repr([key])
        assert key.id in repr(key)
    assert "PRIVATE" not in "".join(capfd.readouterr())


@pytest.mark.parametrize("column", ["workspace_id", "id", "algorithm"])
def test_a_private_key_is_bound_to_its_workspace_name_and_algorithm(act, platform, other_tenant, column):
    key = act(active_key, "Ed25519")
    moved = {"workspace_id": other_tenant.workspace.id, "id": "z6Mkother", "algorithm": "RS256"}[column]
    with platform.database.write() as tx:
        tx.execute(text(f"UPDATE signing_keys SET {column} = :moved"), {"moved": moved})
    place = {"workspace_id": key.workspace_id, "id": key.id, column: moved}
    with platform.database.read() as tx:
        changed = get_key(tx, place["workspace_id"], place["id"])
    with pytest.raises(WrongMasterKey):
        private_key(changed, platform.master_key)
    with pytest.raises(WrongMasterKey):
        private_key(key, MasterKey(bytes(32)))


def test_jwt_keys_of_all_workspaces_are_listed_signing_ones_first(act, platform, other_tenant):
    act(add_keys)
    old = act(active_key, "RS256")
    new = act(rotate_key, "RS256")
    act(active_key, "RS256", at=new.active_from)
    theirs = act(active_key, "RS256", workspace=other_tenant.workspace)
    gone = act(active_key, "RS256", workspace=other_tenant.workspace)
    fresh = compromise(act, gone.id, workspace=other_tenant.workspace).replacement
    with platform.database.read() as tx:
        listed = list_jwt_keys(tx, limit=10)
        first = list_jwt_keys(tx, limit=1)
    assert theirs == gone
    assert {(key.id, key.slug, key.did) for key in listed} == {
        (old.id, "meridian", None),
        (new.id, "meridian", None),
        (fresh.id, "rival", None),
    }
    assert listed[-1].id == old.id
    assert first == listed[:1]
