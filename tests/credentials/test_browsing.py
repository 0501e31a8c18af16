"""Rows of a table of credentials: each way to keep one gives what reading everything would give."""

import itertools
import random
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import insert, select

from testamur.credential_templates.editing import create_credential_template
from testamur.credentials import browsing
from testamur.credentials.browsing import (
    STATUSES,
    Browse,
    BrowseOrder,
    browse_credentials,
    count_matching,
    cursor_type,
    find_rows,
    next_matching,
    shown_status,
)
from testamur.credentials.tables import credentials, recipients
from testamur.db.planning import by_index
from testamur.ids import new_id, new_public_id

TODAY = date(2026, 11, 24)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=1)
NAMES = ("Ada Lovelace", "ada", "Adam Straße", "ADELE", "Bo", "Ben_%", "محمد", "Nguyễn Thị", "Zoë 50%")


@pytest.fixture
def rows(platform, tenant, other_tenant):
    """All rows of the tenant; another one has rows like them."""
    chance = random.Random(4)
    templates, mine = {}, []
    with platform.database.write() as tx:
        for owner in (tenant, other_tenant):
            workspace_id = owner.workspace.id
            templates[workspace_id] = [
                create_credential_template(
                    tx, workspace_id, name=f"Template {number}", design_ids=[owner.certificate_id], at=NOON
                ).id
                for number in range(3)
            ]
            recipient = {"workspace_id": workspace_id, "id": new_id(), "name": "x", "created_at": NOON}
            tx.execute(insert(recipients), {**recipient, "updated_at": NOON})
            made = [
                _row(chance, workspace_id, chance.choice(templates[workspace_id]), recipient["id"]) for _ in range(160)
            ]
            tx.execute(insert(credentials), made)
            if owner is tenant:
                mine = made
    return mine


def _row(chance, workspace_id, template_id, recipient_id):
    name = chance.choice(NAMES)
    email = chance.choice([None, f"{name.split()[0].lower()}{chance.randrange(3)}@x.example"])
    state = chance.choice(["draft", "scheduled", "issued", "issued", "issued"])
    created_at = NOON - timedelta(hours=chance.randrange(20))
    return {
        "workspace_id": workspace_id,
        "id": new_id(),
        "public_id": new_public_id(),
        "credential_template_id": template_id,
        "recipient_id": recipient_id,
        "recipient_name": name,
        "recipient_email": email,
        "recipient_name_key": name.casefold(),
        "recipient_email_key": email and email.casefold(),
        "state": state,
        "issue_date": TODAY - timedelta(days=chance.randrange(6)),
        "expiry_date": chance.choice([None, TODAY, TODAY - timedelta(days=1), TODAY + timedelta(days=1)]),
        "custom_attributes": {},
        "revoked_at": NOON if state == "issued" and chance.random() < 0.2 else None,
        "created_at": created_at,
        "updated_at": created_at,
    }


def _matches(row, browse):
    status = shown_status(row["state"], row["expiry_date"], row["revoked_at"], TODAY)
    text = browse.text.casefold()
    return (
        browse.status in {None, status}
        and browse.template_id in {None, row["credential_template_id"]}
        and (browse.first or date.min) <= row["issue_date"] <= (browse.last or date.max)
        and (text in row["recipient_name_key"] or text in (row["recipient_email_key"] or ""))
    )


def _all_filters(rows):
    templates = sorted({row["credential_template_id"] for row in rows})
    for status, template_id, days, text in itertools.product(
        (None, *STATUSES),
        (None, templates[0]),
        ((None, None), (TODAY - timedelta(days=3), TODAY - timedelta(days=1)), (None, TODAY - timedelta(days=4))),
        ("", "ADA", "straSSe", "_%", "1@"),
    ):
        yield Browse(status=status, template_id=template_id, first=days[0], last=days[1], text=text)


_KEYS = {
    "created": lambda row: (row["created_at"], row["id"]),
    "issued": lambda row: (row["issue_date"], row["id"]),
    "name": lambda row: (row["recipient_name_key"], row["id"]),
}


def _walk(tx, workspace_id, browse, order, direction="next", at=None):
    found, pages = [], 0
    while True:
        listing = browse_credentials(tx, workspace_id, browse, order, today=TODAY, at=at, limit=23)
        found.append([row.id for row in listing.page.items])
        cursor = listing.page.next if direction == "next" else listing.page.prev
        pages += 1
        assert pages < 200
        if cursor is None:
            return found, at
        at = (direction, cursor.id)


@pytest.mark.parametrize("window", [3, 5_000])
def test_pages_of_every_filter_in_every_order_hold_what_matches(platform, tenant, rows, window, monkeypatch):
    # With a small window, looking row by row ends in the middle of things.
    monkeypatch.setattr(browsing, "WINDOW", window)
    workspace_id = tenant.workspace.id
    asked = [
        (browse, field, is_falling)
        for browse, field, is_falling in itertools.product(_all_filters(rows), _KEYS, (True, False))
        if window != 3 or not (browse.text or is_falling)
    ]
    # Each run takes others of the many, so that it need not take all.
    asked = random.Random().sample(asked, min(len(asked), 300))
    with platform.database.read() as tx:
        for browse, field, is_falling in asked:
            order = BrowseOrder(field, is_falling)
            wanted = [row for row in rows if _matches(row, browse)]
            wanted.sort(key=_KEYS[field], reverse=is_falling)
            there, _ = _walk(tx, workspace_id, browse, order)
            assert [id_ for page in there for id_ in page] == [row["id"] for row in wanted], (browse, order)
            if window == 5_000 and len(there) > 1:
                back, _ = _walk(tx, workspace_id, browse, order, "prev", ("prev", there[-1][0]))
                assert [id_ for page in back[::-1] for id_ in page] == [id_ for page in there[:-1] for id_ in page]


def test_all_that_match_are_found_in_batches(platform, tenant, rows, monkeypatch):
    monkeypatch.setattr(browsing, "WINDOW", 11)
    with platform.database.read() as tx:
        for browse in _all_filters(rows):
            wanted = {row["id"] for row in rows if _matches(row, browse) and row["created_at"] <= NOON}
            found, cursor = [], None
            while True:
                batch = next_matching(tx, tenant.workspace.id, browse, today=TODAY, until=NOON, cursor=cursor, limit=10)
                found += [row.id for row in batch.rows]
                cursor = batch.next
                if cursor is None:
                    break
                assert type(cursor.value) is cursor_type(browse)
            assert sorted(found) == sorted(wanted), browse
        before = NOON - timedelta(hours=5)
        batch = next_matching(tx, tenant.workspace.id, Browse(), today=TODAY, until=before, cursor=None, limit=1000)
        assert {row.id for row in batch.rows} == {row["id"] for row in rows if row["created_at"] <= before}


def test_what_is_not_read_is_told(platform, tenant, rows, monkeypatch):
    workspace_id = tenant.workspace.id
    name = BrowseOrder("name", descending=False)

    def limits(browse, order=None):
        order = order or BrowseOrder()
        with platform.database.read() as tx:
            return browse_credentials(tx, workspace_id, browse, order, today=TODAY, limit=50).limits

    monkeypatch.setattr(browsing, "BEGINNING_MAX", len(rows))
    assert limits(Browse(status="draft"), name) == []
    assert limits(Browse(text="ada")) == []
    monkeypatch.setattr(browsing, "GATHERED", 5)
    monkeypatch.setattr(browsing, "HOLDING_MAX", 5)
    assert limits(Browse(status="draft"), name) == ["sorted_some"]
    assert limits(Browse(status="draft")) == []
    assert limits(Browse(first=TODAY - timedelta(days=5)), name) == ["sorted_some"]
    assert limits(Browse(text="ada")) == ["newest_held"]
    monkeypatch.setattr(browsing, "BEGINNING_MAX", 5)
    assert limits(Browse(text="ada")) == ["many_begin_so"]
    monkeypatch.setattr(browsing, "WINDOW", 5)
    assert limits(Browse(status="issued")) == ["looked_at_some"]
    with platform.database.read() as tx:
        assert count_matching(tx, workspace_id, Browse(), today=TODAY, until=LATER, most=20) == (20, False)


def test_counts_end(platform, tenant, rows):
    with platform.database.read() as tx:
        count = count_matching(tx, tenant.workspace.id, Browse(), today=TODAY, until=LATER, most=1000)
        assert count == (len(rows), True)


def test_rows_of_another_workspace_are_not_found(platform, tenant, other_tenant, rows):
    with platform.database.read() as tx:
        assert [row.id for row in find_rows(tx, tenant.workspace.id, [rows[3]["id"]])] == [rows[3]["id"]]
        assert find_rows(tx, other_tenant.workspace.id, [rows[3]["id"]]) == []
        template_id = rows[0]["credential_template_id"]
        for browse in (Browse(template_id=template_id), Browse(template_id=template_id, text="ada")):
            for order in (BrowseOrder(), BrowseOrder("issued")):
                listing = browse_credentials(tx, other_tenant.workspace.id, browse, order, today=TODAY, limit=50)
                assert listing.page.items == []


def test_a_statement_names_its_index_to_sqlite_alone(platform):
    with platform.database.read() as tx:
        statement = by_index(select(credentials.c.id), credentials, "ix_credentials_name")
        statement = statement.where(credentials.c.workspace_id == "x")
        written = str(statement.compile(dialect=tx.dialect))
        assert ("INDEXED BY ix_credentials_name" in written) == platform.database.is_sqlite
        assert tx.execute(statement).all() == []
