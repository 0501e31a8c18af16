"""Erasing leaves nothing that names a person, wherever the database may have kept it."""

import pytest
from sqlalchemy import MetaData, select

from testamur.clock import now
from testamur.credentials.badges import find_signed
from testamur.credentials.erasing import erase_recipient
from testamur.status_lists.queries import get_status_list, revoked_indexes
from testamur.worker.work import work_off

NAME, EMAIL = "Wilhelmina Quackenbush", "Wilhelmina@Quackenbush.example"


@pytest.fixture
def everything(platform):
    """All rows of all tables as one text."""

    def read():
        with platform.database.read() as tx:
            metadata = MetaData()
            metadata.reflect(tx)
            return "\n".join(str(tuple(row)) for table in metadata.sorted_tables for row in tx.execute(select(table)))

    return read


def test_nothing_that_names_the_person_is_left(api, client, group, platform, tenant, everything):
    recipient = {"name": NAME, "email": EMAIL}
    body = {"groupId": group["id"], "recipient": recipient}
    issued = api("POST", "/credentials/create-issue-send", body, status=201)
    api("POST", "/credentials", body, status=201)
    api("PATCH", f"/credentials/{issued['id']}", {"recipient": {"name": f"{NAME} Jr."}})
    client.get(f"/credentials/{issued['publicId']}")
    api("GET", f"/credentials/{issued['id']}/designs")
    bystander = {"name": "Bob", "email": "bob@quackenbush.example"}
    kept = api("POST", "/credentials/create-issue-send", {**body, "recipient": bystander}, status=201)
    work_off(platform)
    with platform.database.read() as tx:
        signed = find_signed(tx, tenant.workspace.id, issued["id"])
    assert "wilhelmina" in everything().lower()
    with platform.database.write() as tx:
        assert erase_recipient(tx, tenant.workspace.id, EMAIL.upper(), at=now()) == 2
    left = everything().lower()
    assert "wilhelmina" not in left
    assert "bob@quackenbush.example" in left
    assert api("GET", f"/credentials/{kept['id']}")["recipient"]["name"] == "Bob"
    with platform.database.read() as tx:
        assert revoked_indexes(tx, get_status_list(tx, signed.list_id)) == [signed.list_index]
    assert client.get(f"/credentials/{issued['publicId']}.json").status_code == 410


def test_another_workspace_keeps_its_recipient(api, group, platform, tenant, other_tenant):
    body = {"groupId": group["id"], "recipient": {"name": NAME, "email": EMAIL}}
    issued = api("POST", "/credentials/create-issue-send", body, status=201)
    with platform.database.write() as tx:
        assert erase_recipient(tx, other_tenant.workspace.id, EMAIL, at=now()) == 0
    assert api("GET", f"/credentials/{issued['id']}")["recipient"]["name"] == NAME
