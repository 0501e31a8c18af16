from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest

from testamur.errors import NotFound
from testamur.openbadges.status_lists import ENTRIES
from testamur.status_lists.allocating import allocate_places, close_lists
from testamur.status_lists.changing import clear_bit, set_bit
from testamur.status_lists.queries import find_revoked_place, get_status_list, revoked_indexes

AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DID = "did:web:a.example:i:meridian"
PUBLIC_ID = "124a8110-1af5-4747-9308-000000000001"


def allocate(platform, tenant, count, did=DID):
    with platform.database.write() as tx:
        return allocate_places(
            tx,
            tenant.workspace.id,
            did,
            count,
            list_url=lambda list_id: f"https://a.example/status/{list_id}",
            master_key=platform.master_key,
            at=AT,
        )


def test_places_are_given_once_and_tell_no_order(platform, tenant):
    places = [*allocate(platform, tenant, 400), *allocate(platform, tenant, 1), *allocate(platform, tenant, 99)]
    assert len({place.list_id for place in places}) == 1
    indexes = [place.index for place in places]
    assert len(set(indexes)) == 500
    assert indexes != sorted(indexes)
    assert places[0].url == f"https://a.example/status/{places[0].list_id}"


def test_places_given_by_several_at_once_are_never_the_same(platform, tenant):
    allocate(platform, tenant, 1)
    found = []
    threads = [Thread(target=lambda: found.extend(allocate(platform, tenant, 7))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({(place.list_id, place.index) for place in found}) == 56


def test_a_full_list_is_followed_by_another(platform, tenant):
    first = allocate(platform, tenant, ENTRIES - 1)
    assert {place.index for place in first} | {allocate(platform, tenant, 1)[0].index} == set(range(ENTRIES))
    assert allocate(platform, tenant, 1)[0].list_id != first[0].list_id


def test_after_a_backup_was_restored_no_place_is_given_again(platform, tenant, other_tenant):
    old = [allocate(platform, tenant, 3)[0].list_id, allocate(platform, other_tenant, 3)[0].list_id]
    with platform.database.write() as tx:
        assert close_lists(tx) == 2
        assert close_lists(tx) == 0
    new = [allocate(platform, tenant, 1)[0].list_id, allocate(platform, other_tenant, 1)[0].list_id]
    assert not {*old} & {*new}
    with platform.database.read() as tx:
        assert get_status_list(tx, old[0]).id == old[0]


def test_lists_belong_to_one_issuer(platform, tenant, other_tenant):
    ours, moved = allocate(platform, tenant, 1)[0], allocate(platform, tenant, 1, did=f"{DID}-2")[0]
    theirs = allocate(platform, other_tenant, 1)[0]
    assert len({ours.list_id, moved.list_id, theirs.list_id}) == 3
    with platform.database.read() as tx:
        found = get_status_list(tx, moved.list_id)
    assert (found.did, found.workspace_id) == (f"{DID}-2", tenant.workspace.id)


def test_bits_are_set_and_cleared_and_counted(platform, tenant):
    place = allocate(platform, tenant, 1)[0]
    later = AT + timedelta(hours=1)
    with platform.database.write() as tx:
        before = get_status_list(tx, place.list_id)
        assert revoked_indexes(tx, before) == []
        for _ in range(2):
            set_bit(tx, tenant.workspace.id, place.list_id, place.index, public_id=PUBLIC_ID, at=later)
        set_list = get_status_list(tx, place.list_id)
        assert (set_list.version, set_list.changed_at) == (before.version + 1, later)
        assert revoked_indexes(tx, set_list) == [place.index]
        assert find_revoked_place(tx, PUBLIC_ID).index == place.index
        for _ in range(2):
            clear_bit(tx, tenant.workspace.id, place.list_id, place.index, at=later)
        assert get_status_list(tx, place.list_id).version == before.version + 2
        assert revoked_indexes(tx, set_list) == []
        assert find_revoked_place(tx, PUBLIC_ID) is None


def test_another_workspace_changes_no_bit(platform, tenant, other_tenant):
    place = allocate(platform, tenant, 1)[0]
    with platform.database.write() as tx:
        set_bit(tx, tenant.workspace.id, place.list_id, place.index, public_id=PUBLIC_ID, at=AT)
        clear_bit(tx, other_tenant.workspace.id, place.list_id, place.index, at=AT)
        assert revoked_indexes(tx, get_status_list(tx, place.list_id)) == [place.index]


def test_a_list_that_is_not_there_is_not_found(platform):
    with platform.database.read() as tx, pytest.raises(NotFound):
        get_status_list(tx, "01fpwtztwf7sacca5r0c483mnm")
