"""Statistics are what is there, counted once however often and by how many it is counted."""

import socket
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text, update

from testamur.clock import now
from testamur.credentials.tables import credentials
from testamur.delivery.tables import emails
from testamur.ids import first_id_of, new_id
from testamur.interactions.recording import record_interaction
from testamur.statistics.attention import get_attention
from testamur.statistics.counting import LATE_MAX, PROGRESS_STEP, count, counted_until, keep
from testamur.statistics.model import COUNTED_MAX, Attention
from testamur.statistics.queries import get_period, get_totals
from testamur.worker.schedules import count_statistics
from testamur.worker.work import work_off

TODAY = now().date()


@pytest.fixture
def issue(client):
    """The id of an issued credential of a tenant, which was sent."""
    groups = {}

    def call(tenant, address="ada@example.com", **more):
        if tenant.workspace.id not in groups:
            body = {"name": "Sailing", "designIds": [tenant.badge_id]}
            groups[tenant.workspace.id] = client.post("/v1/groups", headers=tenant.headers, json=body).json()["id"]
        body = {"groupId": groups[tenant.workspace.id], "recipient": {"name": "Ada", "email": address}, **more}
        answer = client.post("/v1/credentials/create-issue-send", headers=tenant.headers, json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    return call


@pytest.fixture
def interact(platform):
    def call(tenant, credential_id, event_type="credential_viewed", at=None):
        with platform.database.write() as tx:
            record_interaction(
                tx, tenant.workspace.id, credential_id=credential_id, event_type=event_type, triggered_by="guest",
                triggered_at=at or now(), at=now(),
            )  # fmt: skip

    return call


@pytest.fixture
def counted(platform):
    """Counts, and tells the counts of a tenant's day that are not 0."""

    def call(tenant, day=TODAY, *, at=None):
        with platform.database.read() as tx:
            found = count(tx, at=at or now())
        with platform.database.write() as tx:
            assert keep(tx, found)
        return of_day(tenant, day)

    def of_day(tenant, day):
        with platform.database.read() as tx:
            period = get_period(tx, tenant.workspace.id, first=day, last=day)
        return {measure: numbers[0] for measure, numbers in period.counts.items() if numbers[0]}

    return call


@pytest.fixture
def change(platform):
    def call(statement, **values):
        with platform.database.write() as tx:
            tx.execute(statement.values(**values))

    return call


def test_what_happened_is_counted_by_workspace_and_day(api, platform, tenant, other_tenant, issue, interact, counted):
    first = issue(tenant)
    theirs = issue(other_tenant)
    issue(tenant)
    work_off(platform)
    for event in ("viewed", "viewed", "shared_to_linkedin", "link_copied", "verified", "downloaded"):
        interact(tenant, first, f"credential_{event}")
    interact(other_tenant, theirs)
    api("POST", f"/credentials/{first}/revoke")
    assert counted(tenant) == {"issued": 2, "delivered": 2, "viewed": 2, "shared": 2, "verified": 1, "revoked": 1}
    assert counted(other_tenant) == {"issued": 1, "delivered": 1, "viewed": 1}
    assert counted(tenant, TODAY - timedelta(days=1)) == {}


def test_counting_again_changes_nothing(platform, tenant, issue, interact, counted):
    interact(tenant, issue(tenant))
    before = counted(tenant)
    at = now()
    assert counted(tenant, at=at) == counted(tenant, at=at) == before
    with platform.database.read() as tx:
        assert not count(tx, at=at).is_worth_keeping
        assert count(tx, at=at + PROGRESS_STEP).is_worth_keeping


def test_of_two_that_count_at_once_one_keeps_it(platform, tenant, issue, counted):
    for _ in range(2):
        issue(tenant)
        with platform.database.read() as tx:
            one, other = count(tx, at=now()), count(tx, at=now() + timedelta(seconds=1))
        with platform.database.write() as tx:
            assert keep(tx, one)
        with platform.database.write() as tx:
            assert not keep(tx, other)
    assert counted(tenant) == {"issued": 2}


def test_days_that_nobody_counted_are_counted_later(tenant, issue, interact, counted, change):
    """A worker that was away, and days that were over when it came back."""
    credential_id = issue(tenant)
    counted(tenant, at=now() - timedelta(days=5))
    change(update(credentials), issued_at=now() - timedelta(days=3))
    change(update(emails), sent_at=now() - timedelta(days=2))
    assert counted(tenant, TODAY - timedelta(days=3)) == {"issued": 1}
    assert counted(tenant, TODAY - timedelta(days=2)) == {"delivered": 1}
    assert counted(tenant) == {}
    interact(tenant, credential_id)
    assert counted(tenant) == {"viewed": 1}


def test_an_interaction_that_is_told_late_counts_on_its_day(tenant, other_tenant, issue, interact, counted):
    credential_id, theirs = issue(tenant), issue(other_tenant)
    long_ago = datetime(2025, 3, 1, 12, tzinfo=UTC)
    interact(other_tenant, theirs, at=long_ago)
    counted(tenant)
    for _ in range(2):
        interact(tenant, credential_id, at=long_ago)
        interact(tenant, credential_id, "credential_verified", at=long_ago)
    assert counted(tenant, long_ago.date()) == {"viewed": 2, "verified": 2}
    assert counted(other_tenant, long_ago.date()) == {"viewed": 1}


def test_what_was_still_being_written_at_midnight_is_counted_on_its_day(tenant, issue, counted, change):
    midnight = datetime(2026, 6, 2, tzinfo=UTC)
    issue(tenant)
    counted(tenant, at=midnight + timedelta(minutes=1))
    change(update(credentials), issued_at=midnight - timedelta(seconds=2))
    assert counted(tenant, date(2026, 6, 1), at=midnight + LATE_MAX - timedelta(seconds=1)) == {"issued": 1}


def test_what_is_deleted_later_stays_in_the_days_that_are_over(api, tenant, issue, counted, change):
    kept_day = TODAY - timedelta(days=2)
    old, new = issue(tenant), issue(tenant)
    change(update(credentials).where(credentials.c.id == old), issued_at=now() - timedelta(days=2))
    counted(tenant)
    for credential_id in (old, new):
        api("DELETE", f"/credentials/{credential_id}", status=204)
    assert counted(tenant) == {}
    assert counted(tenant, kept_day) == {"issued": 1}


def test_totals_tell_what_each_credential_is_today(api, platform, tenant, other_tenant, issue, counted, group):
    with platform.database.read() as tx:
        assert get_totals(tx, tenant.workspace.id).counted_at is None
    issue(tenant, expiryDate=(TODAY + timedelta(days=40)).isoformat())
    issue(tenant)
    issue(tenant, issueDate="2019-01-01", expiryDate="2020-01-01")
    revoked = issue(tenant, issueDate="2019-01-01", expiryDate="2020-01-01")
    api("POST", f"/credentials/{revoked}/revoke")
    api("POST", "/credentials", {"groupId": group["id"], "recipient": {"name": "D"}}, status=201)
    issue(other_tenant)
    at = now()
    counted(tenant, at=at)
    with platform.database.read() as tx:
        totals = get_totals(tx, tenant.workspace.id)
    assert (totals.counts, totals.counted_at) == (
        {"draft": 1, "scheduled": 0, "issued": 2, "expired": 1, "revoked": 1}, at,
    )  # fmt: skip
    counted(tenant, at=at + timedelta(days=41))
    with platform.database.read() as tx:
        assert get_totals(tx, tenant.workspace.id).counts["expired"] == 2
    api("DELETE", f"/credentials/{revoked}", status=204)
    counted(tenant, at=at + timedelta(days=41, minutes=1))
    with platform.database.read() as tx:
        assert get_totals(tx, tenant.workspace.id).counts["revoked"] == 0


def test_a_period_has_every_day_of_it(platform, tenant, issue, counted):
    issue(tenant)
    counted(tenant)
    with platform.database.read() as tx:
        period = get_period(tx, tenant.workspace.id, first=TODAY - timedelta(days=6), last=TODAY)
    assert period.days == [TODAY - timedelta(days=number) for number in range(6, -1, -1)]
    assert period.counts["issued"] == [0, 0, 0, 0, 0, 0, 1]
    assert period.total("issued") == 1


def test_the_worker_counts_and_leaves_it_to_another_that_just_did(platform, tenant, issue):
    issue(tenant)
    at = now()
    assert count_statistics(platform, at)
    assert not count_statistics(platform, at + timedelta(seconds=5))
    assert count_statistics(platform, at + timedelta(seconds=15))
    with platform.database.read() as tx:
        # Nothing was new, so nothing was written.
        assert counted_until(tx) == at
        assert get_totals(tx, tenant.workspace.id).counts["issued"] == 1


def test_ids_of_a_moment_begin_with_the_smallest(platform):
    at = now()
    assert first_id_of(at - timedelta(milliseconds=1)) < first_id_of(at) <= new_id()
    assert first_id_of(at + timedelta(minutes=1)) > new_id()


def test_what_needs_attention_is_counted_for_its_workspace(api, platform, tenant, other_tenant, issue, group, change):
    def look(of=tenant, today=TODAY):
        with platform.database.read() as tx:
            return get_attention(tx, of.workspace.id, today=today, at=now())

    nothing = Attention(
        bounced_credentials=0, failing_webhooks=0, expiring_credentials=0, open_requests=0, stopped_imports=0
    )
    soon = (TODAY + timedelta(days=30)).isoformat()
    credential_id = issue(tenant, expiryDate=soon)
    issue(tenant, expiryDate=(TODAY + timedelta(days=31)).isoformat())
    revoked = issue(tenant, expiryDate=soon)
    api("POST", f"/credentials/{revoked}/revoke")
    assert look() == Attention(**{**dict.fromkeys(nothing.__struct_fields__, 0), "expiring_credentials": 1})
    sheet = b"recipient.name,recipient.email\nAda,ada@example.com\n,nobody@example.com\n"
    api("POST", f"/imports?groupId={group['id']}&start=true", content=sheet, status=201)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/hook"
        hook = api("POST", "/webhooks", {"url": url}, status=201)
        api("PATCH", f"/credentials/{credential_id}", {"recipient": {"name": "Ada L."}})
        work_off(platform)
    change(update(credentials).where(credentials.c.id == credential_id), delivery_state="bounced")
    assert look() == Attention(
        bounced_credentials=1, failing_webhooks=1, expiring_credentials=1, open_requests=0, stopped_imports=1
    )
    assert look(other_tenant) == nothing
    api("PATCH", f"/webhooks/{hook['id']}", {"isActive": False})
    assert look().failing_webhooks == 0


def test_nobody_is_told_of_more_than_a_hundred(platform, tenant, issue):
    credential_id = issue(tenant, expiryDate=(TODAY + timedelta(days=3)).isoformat())
    with platform.database.write() as tx:
        columns = ", ".join(f'"{column.name}"' for column in credentials.c)
        copied = ", ".join(
            {"id": "id || :n", "public_id": ":n", "issuing_key": "NULL"}.get(column.name, f'"{column.name}"')
            for column in credentials.c
        ).replace("id || :n", "substr(id, 1, 20) || :n")
        for number in range(COUNTED_MAX + 5):
            tx.execute(
                text(f"INSERT INTO credentials ({columns}) SELECT {copied} FROM credentials WHERE id = :id"),
                {"n": f"{number:06}", "id": credential_id},
            )
    with platform.database.read() as tx:
        assert get_attention(tx, tenant.workspace.id, today=TODAY, at=now()).expiring_credentials == COUNTED_MAX
