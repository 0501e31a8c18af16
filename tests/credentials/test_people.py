"""Recipients as people: who is listed and found, and what stands under whom."""

import pytest

from testamur.credentials.people import (
    FOUND_MAX,
    get_listed_recipient,
    list_credentials_of_recipient,
    list_recipients,
    search_recipients,
)
from testamur.errors import NotFound


@pytest.fixture
def award(client):
    groups = {}

    def call(tenant, name, email=None):
        if tenant.workspace.id not in groups:
            body = {"name": "Sailing", "designIds": [tenant.badge_id]}
            groups[tenant.workspace.id] = client.post("/v1/groups", headers=tenant.headers, json=body).json()["id"]
        recipient = {"name": name} | ({} if email is None else {"email": email})
        body = {"groupId": groups[tenant.workspace.id], "recipient": recipient}
        answer = client.post("/v1/credentials", headers=tenant.headers, json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()["recipient"]["id"]

    return call


def test_people_are_listed_by_their_address_page_by_page(platform, tenant, other_tenant, award):
    award(other_tenant, "Eve", "a@example.com")
    award(tenant, "Nobody")
    for address in ("d@example.com", "B@example.com", "a@example.com", "c@example.com", "b@example.com"):
        award(tenant, address[0].upper(), address)
    with platform.database.read() as tx:
        first = list_recipients(tx, tenant.workspace.id, None, 2)
        second = list_recipients(tx, tenant.workspace.id, first.next, 2)
        back = list_recipients(tx, tenant.workspace.id, second.prev, 2)
    found = [(item.email, item.credential_count) for item in first.items + second.items]
    assert found == [("a@example.com", 1), ("B@example.com", 2), ("c@example.com", 1), ("d@example.com", 1)]
    assert (back.items, second.next) == (first.items, None)


@pytest.mark.parametrize(
    ("beginning", "found"),
    [
        ("ada", ["ada@example.com", "x@example.com"]),
        ("ADA L", ["x@example.com"]),
        ("żółć", ["z@example.com"]),
        ("x@", ["x@example.com"]),
        ("example", []),
        ("%", []),
        ("a_a", []),
        ("eve", []),
        ("nameless", []),
    ],
)
def test_people_are_found_by_the_beginning_of_name_or_address(platform, tenant, other_tenant, award, beginning, found):
    award(tenant, "Countess", "ada@example.com")
    award(tenant, "Ada Lovelace", "x@example.com")
    award(tenant, "ŻÓŁĆ", "z@example.com")
    award(tenant, "Nameless")
    award(other_tenant, "Eve", "eve@example.com")
    award(other_tenant, "Ada Lovelace", "ada@rival.example")
    with platform.database.read() as tx:
        assert [item.email for item in search_recipients(tx, tenant.workspace.id, beginning)] == found


def test_a_search_finds_some_of_many(platform, tenant, award):
    for number in range(FOUND_MAX + 3):
        award(tenant, "Ada", f"n{number:03}@example.com")
    with platform.database.read() as tx:
        assert len(search_recipients(tx, tenant.workspace.id, "ada")) == FOUND_MAX


def test_what_somebody_has_stands_under_them_alone(platform, tenant, other_tenant, award):
    ada = award(tenant, "Ada", "ada@example.com")
    assert award(tenant, "Ada L.", "ADA@example.com") == ada
    nameless, bob = award(tenant, "Nobody"), award(tenant, "Bob", "bob@example.com")
    theirs = award(other_tenant, "Ada", "ada@example.com")
    with platform.database.read() as tx:
        assert get_listed_recipient(tx, tenant.workspace.id, ada).credential_count == 2
        assert get_listed_recipient(tx, tenant.workspace.id, nameless).email is None
        listed = list_credentials_of_recipient(tx, tenant.workspace.id, ada, None, 10).items
        assert sorted(item.recipient.name for item in listed) == ["Ada", "Ada L."]
        assert len(list_credentials_of_recipient(tx, tenant.workspace.id, bob, None, 10).items) == 1
        assert list_credentials_of_recipient(tx, tenant.workspace.id, theirs, None, 10).items == []
        with pytest.raises(NotFound):
            get_listed_recipient(tx, tenant.workspace.id, theirs)
