"""A process begins to work only with the master key that its database was used with."""

import dataclasses
import gc
import threading

import pytest
from sqlalchemy import text

from testamur.clock import now
from testamur.encryption import MasterKey, WrongMasterKey
from testamur.rendering.signing_identity import read_identity
from testamur.signing_keys.master_key_check import record_master_key
from testamur.web.starting import settle, start
from testamur.webhooks.endpoints import add_endpoint
from testamur.workspaces.pdf_certificate import set_pdf_certificate

OTHER = MasterKey(bytes(32))


def with_key(platform, master_key):
    return dataclasses.replace(platform, master_key=master_key)


def recorded(platform):
    with platform.database.read() as tx:
        return tx.execute(text("SELECT sealed FROM master_key_checks")).scalars().all()


def test_the_first_start_decides_which_key_is_right(platform):
    assert start(platform) == []
    first = recorded(platform)
    assert len(first) == 1
    start(platform)
    with pytest.raises(WrongMasterKey, match=r"master\.key is not the one that this database was used with"):
        start(with_key(platform, OTHER))
    assert recorded(platform) == first


@pytest.mark.parametrize("secret", ["webhook", "certificate"])
def test_a_key_that_reads_nothing_of_an_older_database_is_not_recorded(platform, tenant, authority, secret):
    with platform.database.write() as tx:
        if secret == "webhook":
            url = "https://shop.example/hook"
            add_endpoint(tx, tenant.workspace.id, url=url, master_key=platform.master_key, at=now())
        else:
            key = authority.new_key("p-256")
            identity = read_identity(authority.pkcs12(key, authority.certificate(key), "x"), "x", at=now())
            set_pdf_certificate(tx, tenant.workspace.id, identity, master_key=platform.master_key, at=now())
    with pytest.raises(WrongMasterKey):
        start(with_key(platform, OTHER))
    assert recorded(platform) == []
    start(platform)
    assert len(recorded(platform)) == 1


def test_of_processes_that_start_at_once_with_different_keys_one_key_stays(platform):
    outcomes, barrier = [], threading.Barrier(2)

    def record(master_key):
        barrier.wait()
        try:
            with platform.database.write() as tx:
                record_master_key(tx, master_key, (), at=now())
            outcomes.append("recorded")
        except WrongMasterKey:
            outcomes.append("refused")

    threads = [threading.Thread(target=record, args=(key,)) for key in (platform.master_key, OTHER)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(outcomes) == ["recorded", "refused"]
    assert len(recorded(platform)) == 1


def test_something_else_in_place_of_the_check_is_told_as_a_wrong_key(platform):
    start(platform)
    with platform.database.write() as tx:
        tx.execute(text("UPDATE master_key_checks SET sealed = 'x'"))
    with pytest.raises(WrongMasterKey):
        start(platform)


def test_what_the_start_has_made_is_not_looked_through_again():
    before = gc.get_freeze_count()
    try:
        settle()
        assert gc.get_freeze_count() > before + 10_000
    finally:
        gc.unfreeze()
