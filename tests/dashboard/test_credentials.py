"""The table of credentials, what is done to many at once, and the page of one."""

import csv
import io
import re
import zipfile
from datetime import timedelta

import openpyxl
import pytest
from sqlalchemy import insert, select, update

from testamur.audit.tables import audit_entries
from testamur.change_requests.tables import change_requests
from testamur.clock import now
from testamur.credential_templates.editing import create_credential_template
from testamur.credentials.drafting import create_credential
from testamur.credentials.issuing import issue_credential
from testamur.credentials.queries import find_credential, get_credential
from testamur.credentials.revoking import revoke_credential
from testamur.credentials.tables import credentials
from testamur.dashboard import credentials_bulk
from testamur.delivery.tables import emails
from testamur.ids import new_id
from testamur.interactions.recording import record_interaction

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def make(platform):
    """Makes credentials of a tenant, of one template unless told otherwise."""
    templates = {}

    def run(tenant, name="Ada Lovelace", email="ada@example.com", *, template="Rigging", state="issued", **options):
        at = now() - timedelta(minutes=1)
        with platform.database.write() as tx:
            key = (tenant.workspace.id, template)
            if key not in templates:
                templates[key] = create_credential_template(
                    tx, tenant.workspace.id, name=template, design_ids=[tenant.certificate_id], at=at
                ).id
            made = create_credential(
                tx,
                tenant.workspace,
                credential_template_id=templates[key],
                recipient_name=name,
                recipient_email=email,
                at=at,
                **options,
            )
            if state != "draft":
                made = issue_credential(tx, tenant.workspace, made.id, signers=platform.signers, at=at)
            if state == "revoked":
                made = revoke_credential(tx, tenant.workspace.id, made.id, reason="By mistake", at=at)
        return made

    return run


@pytest.fixture
def read(platform):
    def run(credential):
        with platform.database.read() as tx:
            return find_credential(tx, credential.workspace_id, credential.id)

    return run


@pytest.fixture
def mails(platform):
    """How many mails there are about a credential."""

    def count(credential):
        with platform.database.read() as tx:
            return len(tx.execute(select(emails.c.id).where(emails.c.credential_id == credential.id)).all())

    return count


def rows_of(answer):
    assert answer.status_code == 200
    return re.findall(r'<th scope="row"><a[^>]*>([^<]+)</a>', answer.text)


def progress_of(answer):
    found = re.search(r'name="progress" value="([^"]+)"', answer.text)
    return found[1].replace("&#34;", '"')


def test_the_table_says_that_nothing_is_there(staff, owner):
    assert "Nothing is here yet" in staff(owner).get("~/credentials").text
    assert "No credential matches" in staff(owner).get("~/credentials?q=ada").text


def test_filters_are_in_the_address(staff, owner, tenant, other_tenant, make):
    make(tenant)
    draft = make(tenant, "Bo Draft", None, state="draft", template="Knots")
    make(tenant, "Cy Revoked", "cy@elsewhere.example", state="revoked")
    make(other_tenant, "Ada Rival", "rival@example.com")
    mine = staff(owner)
    assert rows_of(mine.get("~/credentials")) == ["Cy Revoked", "Bo Draft", "Ada Lovelace"]
    assert rows_of(mine.get("~/credentials?sort=name")) == ["Ada Lovelace", "Bo Draft", "Cy Revoked"]
    assert rows_of(mine.get("~/credentials?q=ADA")) == ["Ada Lovelace"]
    assert rows_of(mine.get("~/credentials?q=lace")) == ["Ada Lovelace"]
    assert rows_of(mine.get("~/credentials?q=cy@else")) == ["Cy Revoked"]
    assert rows_of(mine.get("~/credentials?status=revoked")) == ["Cy Revoked"]
    assert rows_of(mine.get("~/credentials?status=draft")) == ["Bo Draft"]
    assert rows_of(mine.get(f"~/credentials?template={draft.credential_template_id}")) == ["Bo Draft"]
    assert rows_of(mine.get("~/credentials?from=2100-01-01")) == []
    assert len(rows_of(mine.get("~/credentials?to=2100-01-01&sort=-issued"))) == 3


@pytest.mark.parametrize(
    "query",
    [
        "status=burnt", "template=x", "from=yesterday", "to=2026-13-40", "sort=colour", "after=x", "before=%00", "q=%00%ff",
        "after=01hzzzzzzzzzzzzzzzzzzzzzzz", "sort=--name", "q=" + "%25" * 300, "from=2026-11-25&to=2026-11-01",
    ],
)  # fmt: skip
def test_an_address_that_means_nothing_still_shows_a_table(staff, owner, tenant, make, query):
    make(tenant)
    assert staff(owner).get(f"~/credentials?{query}").status_code == 200


def test_htmx_gets_the_rows_alone(staff, owner, tenant, make):
    make(tenant)
    answer = staff(owner).get("~/credentials?q=ada", headers={"HX-Request": "true"})
    assert "<html" not in answer.text
    assert rows_of(answer) == ["Ada Lovelace"]
    assert "1 row" in answer.text


def test_pages_lead_on_and_back(staff, owner, tenant, make):
    for number in range(53):
        make(tenant, f"Person {number:02}", None, state="draft")
    mine = staff(owner)
    first = mine.get("~/credentials?sort=name")
    assert len(rows_of(first)) == 50
    assert 'rel="prev"' not in first.text
    onwards = re.search(r'rel="next" href="([^"]+)"', first.text)[1].replace("&amp;", "&")
    second = mine.get(onwards)
    assert rows_of(second) == ["Person 50", "Person 51", "Person 52"]
    back = re.search(r'rel="prev" href="([^"]+)"', second.text)[1].replace("&amp;", "&")
    assert rows_of(mine.get(back)) == rows_of(first)


def test_what_people_wrote_is_shown_as_text(staff, owner, tenant, make, platform):
    made = make(tenant, SCRIPT, "ada@example.com", custom_attributes={"custom.mentor": SCRIPT}, template=SCRIPT)
    mine = staff(owner)
    mine.post(f"~/credentials/{made.id}/revoke", {"reason": SCRIPT})
    for path in (
        "~/credentials", f"~/credentials/{made.id}", f"~/credentials/{made.id}/edit", f"~/credentials/{made.id}/again",
        f"~/credentials/bulk?action=revoke&id={made.id}", "~/credentials?q=%3Cscript%3Ealert(1)%3C/script%3E",
    ):  # fmt: skip
        answer = mine.get(path)
        assert answer.status_code == 200
        assert SCRIPT not in answer.text
        assert "&lt;script&gt;alert(1)" in answer.text
    sent = mine.get("~/credentials/bulk?action=revoke&all=yes&q=" + SCRIPT)
    assert SCRIPT not in sent.text


def test_a_table_is_exported_without_formulas(staff, owner, tenant, other_tenant, make):
    make(tenant, "=1+1", "ada@example.com", custom_attributes={"custom.mentor": "@SUM(A1)"})
    make(tenant, "محمد", None, state="draft")
    make(other_tenant, "Rival")
    mine = staff(owner)
    answer = mine.get("~/credentials/export?format=csv&all=yes")
    assert answer.headers["content-disposition"].startswith('attachment; filename="credentials.csv"')
    table = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["recipient_name"] for row in table] == ["'=1+1", "محمد"]
    assert [row["status"] for row in table] == ["issued", "draft"]
    assert table[0]["custom.mentor"] == "'@SUM(A1)"
    assert table[1]["page"] == ""
    book = openpyxl.load_workbook(io.BytesIO(mine.get("~/credentials/export?format=xlsx&all=yes").content))
    lines = list(book.active.iter_rows(values_only=True))
    assert list(lines[0]) == list(table[0])
    assert [line[0] for line in lines[1:]] == ["'=1+1", "محمد"]
    assert {cell.data_type for row in book.active.iter_rows() for cell in row} <= {"s", "inlineStr", "n"}


def test_an_export_holds_what_was_ticked_or_what_matches(staff, owner, tenant, other_tenant, make):
    ada, bo = make(tenant), make(tenant, "Bo", None)
    rival = make(other_tenant, "Rival")
    mine = staff(owner)

    def names(query):
        answer = mine.get(f"~/credentials/export?format=csv&{query}")
        return [row["recipient_name"] for row in csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))]

    assert names(f"id={bo.id}&id={rival.id}&id=x") == ["Bo"]
    assert names("all=yes&q=ada") == ["Ada Lovelace"]
    assert names(f"id={ada.id}&all=yes") == ["Ada Lovelace", "Bo"]
    assert mine.get("~/credentials/export?format=exe").status_code == 404


def test_certificates_are_downloaded_as_one_archive(staff, owner, tenant, make):
    ada = make(tenant)
    make(tenant, "Bo", None)
    mine = staff(owner)
    archive = zipfile.ZipFile(io.BytesIO(mine.get(f"~/credentials/download?id={ada.id}").content))
    assert sorted(archive.namelist()) == ["Ada Lovelace.pdf", "results.csv"]
    everything = zipfile.ZipFile(io.BytesIO(mine.get("~/credentials/download?all=yes").content))
    assert sorted(everything.namelist()) == ["Ada Lovelace.pdf", "Bo.pdf", "results.csv"]
    nothing = mine.get("~/credentials/download?all=yes&q=nobody")
    assert (nothing.status_code, nothing.headers["location"]) == (303, "/w/meridian/credentials")


def run_bulk(mine, action, query, **fields):
    """Ask, confirm, and go on until it is over; the last answer."""
    asked = mine.get(f"~/credentials/bulk?action={action}&{query}")
    assert asked.status_code == 200, asked.text
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', asked.text))
    answer = asked
    for _ in range(20):
        sent = {**hidden, **fields, "progress": progress_of(answer)}
        answer = mine.post("~/credentials/bulk", sent)
        if answer.status_code != 200:
            return answer
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', answer.text))
        fields = {}
    raise AssertionError("it does not end")


def test_ticked_drafts_are_issued_and_sent(staff, owner, tenant, make, read, mails):
    drafts = [make(tenant, f"Person {number}", f"p{number}@example.com", state="draft") for number in range(2)]
    issued = make(tenant)
    mine = staff(owner)
    query = "&".join(f"id={item.id}" for item in [*drafts, issued])
    assert "2 of the 3 ticked" in mine.get(f"~/credentials/bulk?action=issue&{query}").text
    answer = run_bulk(mine, "issue", query, send="yes")
    assert answer.status_code == 303
    assert [read(item).state for item in drafts] == ["issued", "issued"]
    assert [mails(item) for item in [*drafts, issued]] == [1, 1, 0]
    shown = mine.get("~/credentials", headers={"Cookie": answer.headers["set-cookie"].partition(";")[0]})
    assert shown.status_code in {200, 303}


def test_all_that_match_are_done_in_steps(staff, owner, tenant, other_tenant, make, read, monkeypatch, platform):
    monkeypatch.setattr(credentials_bulk, "STEP", 2)
    mine_made = [make(tenant, f"Person {number}", None) for number in range(5)]
    spared = make(tenant, "Ada", None)
    rival = make(other_tenant, "Person 9", None)
    answer = run_bulk(staff(owner), "revoke", "all=yes&q=person", reason="Wrong date")
    assert answer.status_code == 303
    assert [read(item).revocation_reason for item in mine_made] == ["Wrong date"] * 5
    assert read(spared).revoked_at is None
    assert read(rival).revoked_at is None
    with platform.database.read() as tx:
        told = tx.execute(
            select(audit_entries.c.details).where(audit_entries.c.action == "credential.revoked")
        ).scalars()
        assert sorted(id_ for details in told for id_ in details["credentials"]) == sorted(
            item.id for item in mine_made
        )


def test_a_step_that_is_sent_twice_mails_once(staff, owner, tenant, make, mails):
    made = make(tenant)
    mine = staff(owner)
    asked = mine.get(f"~/credentials/bulk?action=send&id={made.id}")
    sent = {"action": "send", "progress": progress_of(asked)}
    assert mine.post("~/credentials/bulk", sent).status_code == 303
    assert mine.post("~/credentials/bulk", sent).status_code == 303
    assert mails(made) == 1
    again = mine.get(f"~/credentials/bulk?action=send&id={made.id}")
    mine.post("~/credentials/bulk", {"action": "send", "progress": progress_of(again)})
    assert mails(made) == 2


def test_a_revocation_of_many_can_be_undone(staff, owner, tenant, other_tenant, make, read):
    made, rival = make(tenant), make(other_tenant, "Rival", state="revoked")
    mine = staff(owner)
    run_bulk(mine, "revoke", f"id={made.id}")
    assert read(made).revoked_at is not None
    undone = mine.post("~/credentials/bulk", {"action": "reinstate", "ids": f"{made.id} {rival.id} nonsense"})
    assert undone.status_code == 303
    assert read(made).revoked_at is None
    assert read(rival).revoked_at is not None


def test_many_are_deleted(staff, owner, tenant, make, read):
    made, kept = make(tenant), make(tenant, "Bo", None)
    run_bulk(staff(owner), "delete", f"id={made.id}")
    assert read(made) is None
    assert read(kept) is not None


def test_who_makes_drafts_deletes_drafts_only(staff, person, tenant, make, read):
    draft, issued = make(tenant, state="draft"), make(tenant)
    mine = staff(person(tenant, "draft_manager"))
    run_bulk(mine, "delete", f"id={draft.id}&id={issued.id}")
    assert read(draft) is None
    assert read(issued) is not None
    assert mine.get(f"~/credentials/bulk?action=revoke&id={issued.id}").status_code == 403
    assert mine.post("~/credentials/bulk", {"action": "revoke", "ids": issued.id}).status_code == 403
    assert mine.post(f"~/credentials/{issued.id}/delete").status_code == 403
    assert mine.get(f"~/credentials/{issued.id}/edit").status_code == 403
    changed = {"recipient.name": "Eve", "issue_date": "2026-11-01"}
    assert mine.post(f"~/credentials/{issued.id}/edit", changed).status_code == 403
    assert mine.post(f"~/credentials/{issued.id}/again", {**changed, "then": "issue"}).status_code == 403
    assert read(issued).recipient.name == "Ada Lovelace"


@pytest.mark.parametrize(
    "progress",
    ["", "{}", "[]", '{"occasion": "x", "until": "2026-11-01T00:00:00Z", "total": 1}',
     '{"occasion": "01hzzzzzzzzzzzzzzzzzzzzzzz", "until": "2026-11-01T00:00:00", "total": 1}',
     '{"occasion": "01hzzzzzzzzzzzzzzzzzzzzzzz", "until": "2026-11-01T00:00:00Z", "total": 1, "after": ["x", "y"]}',
     '{"occasion": "01hzzzzzzzzzzzzzzzzzzzzzzz", "until": "2026-11-01T00:00:00Z", "total": 1, "ids": ["x"]}'],
)  # fmt: skip
def test_a_step_of_nonsense_is_refused(staff, owner, tenant, make, read, progress):
    made = make(tenant)
    answer = staff(owner).post("~/credentials/bulk", {"action": "revoke", "progress": progress})
    assert answer.status_code in {303, 400, 422}
    assert read(made).revoked_at is None
    assert staff(owner).post("~/credentials/bulk", {"action": "burn"}).status_code == 404


def test_a_reason_that_is_too_long_is_told_beside_its_field(staff, owner, tenant, make, read):
    made = make(tenant)
    mine = staff(owner)
    asked = mine.get(f"~/credentials/bulk?action=revoke&id={made.id}")
    sent = {"action": "revoke", "progress": progress_of(asked), "reason": "x" * 1001}
    refused = mine.post("~/credentials/bulk", sent)
    assert refused.status_code == 422
    assert "x" * 1001 in refused.text
    assert read(made).revoked_at is None


def test_the_page_of_one_tells_what_happened(staff, owner, tenant, make, platform):
    made = make(tenant, custom_attributes={"custom.mentor": "Mary Somerville"})
    with platform.database.write() as tx:
        record_interaction(
            tx,
            tenant.workspace.id,
            credential_id=made.id,
            event_type="credential_verified",
            triggered_by="guest",
            triggered_at=now(),
            at=now(),
        )
    mine = staff(owner)
    sent = mine.post(f"~/credentials/{made.id}/send", {"occasion": new_id()})
    assert sent.status_code == 303
    with platform.database.write() as tx:
        failed = {"state": "bounced", "last_error": "550 No such user"}
        tx.execute(update(emails).where(emails.c.credential_id == made.id).values(**failed))
    text = mine.get(f"~/credentials/{made.id}").text
    for shown in (
        "Mary Somerville",
        "550 No such user",
        "Email not delivered",
        "Verified",
        "Issued",
        "ada@example.com",
    ):
        assert shown in text
    assert f"/credentials/{made.public_id}.json" in text


def test_the_page_of_another_workspaces_credential_is_not_there(staff, owner, tenant, other_tenant, make, read):
    rival = make(other_tenant, "Rival")
    mine = staff(owner)
    assert mine.get(f"~/credentials/{rival.id}").status_code == 404
    for rest in ("issue", "send", "revoke", "reinstate", "delete", "edit", "again"):
        body = {"recipient.name": "Eve", "issue_date": "2026-11-01"}
        assert mine.post(f"~/credentials/{rival.id}/{rest}", body).status_code == 404, rest
    assert read(rival) == rival


def test_a_page_leads_to_what_its_recipient_asks_for(staff, owner, tenant, make, platform):
    made, other = make(tenant), make(tenant, "Bo", None)
    row = {"workspace_id": tenant.workspace.id, "credential_id": made.id, "kind": "name", "stated": "Ada Lovelace"}
    times = dict.fromkeys(("created_at", "expires_at", "confirmed_at"), now())
    request_id = new_id()
    with platform.database.write() as tx:
        tx.execute(
            insert(change_requests),
            {**row, **times, "id": request_id, "proposed": "Ada King", "message": "", "state": "open"},
        )
    mine = staff(owner)
    assert f"/w/meridian/requests/{request_id}" in mine.get(f"~/credentials/{made.id}").text
    assert "/w/meridian/requests/" not in mine.get(f"~/credentials/{other.id}").text


def test_a_button_that_is_pressed_twice_sends_once(staff, owner, tenant, make, mails):
    made = make(tenant)
    occasion = new_id()
    for _ in range(2):
        assert staff(owner).post(f"~/credentials/{made.id}/send", {"occasion": occasion}).status_code == 303
    assert mails(made) == 1


def test_what_cannot_be_done_is_said_on_the_page(staff, owner, tenant, make, read, mails):
    issued, nameless = make(tenant), make(tenant, "Bo", None)
    mine = staff(owner)
    for path in (f"{issued.id}/issue", f"{issued.id}/reinstate", f"{nameless.id}/send"):
        answer = mine.post(f"~/credentials/{path}")
        assert answer.status_code == 303
        assert "notice" in answer.headers["set-cookie"]
    assert mine.post(f"~/credentials/{issued.id}/revoke", {"reason": "x" * 1001}).status_code == 303
    assert read(issued).revoked_at is None
    assert mails(nameless) == 0


def test_a_correction_makes_a_version_and_can_be_undone(staff, owner, tenant, make, read):
    made = make(tenant, custom_attributes={"custom.mentor": "Mary"})
    mine = staff(owner)
    page = mine.get(f"~/credentials/{made.id}/edit").text
    assert "makes the next version" in page
    body = {
        "recipient.name": "Ada King",
        "recipient.email": "",
        "issue_date": "2026-11-02",
        "expiry_date": "2030-01-01",
        "custom_attributes.custom.mentor": "",
    }
    answer = mine.post(f"~/credentials/{made.id}/edit", body)
    assert answer.status_code == 303
    after = read(made)
    assert (after.recipient.name, after.recipient.email, after.version) == ("Ada King", None, 2)
    assert after.custom_attributes == {}
    before = {
        "recipient.name": made.recipient.name,
        "recipient.email": made.recipient.email,
        "issue_date": made.issue_date.isoformat(),
        "expiry_date": "",
        "custom_attributes.custom.mentor": "Mary",
    }
    mine.post(f"~/credentials/{made.id}/edit", before)
    undone = read(made)
    assert (undone.recipient.name, undone.expiry_date, undone.version) == ("Ada Lovelace", None, 3)
    assert undone.custom_attributes == {"custom.mentor": "Mary"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("recipient.name", ""), ("recipient.name", "x" * 256), ("recipient.name", "\x07"), ("recipient.email", "ada"),
        ("issue_date", "yesterday"), ("expiry_date", "1999-01-01"), ("expiry_date", "2026-02-31"),
        ("custom_attributes.custom.mentor", "x" * 5001), ("custom_attributes.custom.nothing", "x"),
    ],
)  # fmt: skip
def test_a_refused_correction_keeps_what_was_typed(staff, owner, tenant, make, read, field, value):
    made = make(tenant)
    body = {"recipient.name": "Ada King", "recipient.email": "a@example.com", "issue_date": "2026-11-02", field: value}
    for rest in ("edit", "again"):
        answer = staff(owner).post(f"~/credentials/{made.id}/{rest}", body)
        assert answer.status_code == 422, rest
        assert "a@example.com" in answer.text or field == "recipient.email"
    assert read(made) == made


def test_a_form_that_is_sent_twice_awards_once(staff, owner, tenant, make, platform):
    made = make(tenant, state="revoked")
    mine = staff(owner)
    body = {
        "occasion": new_id(),
        "then": "issue_send",
        "recipient.name": "Ada Lovelace",
        "recipient.email": "ada@example.com",
        "issue_date": "2026-11-02",
    }
    answers = [mine.post(f"~/credentials/{made.id}/again", body) for _ in range(2)]
    assert len({answer.headers["location"] for answer in answers}) == 1
    with platform.database.read() as tx:
        ids = (
            tx.execute(select(credentials.c.id).where(credentials.c.workspace_id == tenant.workspace.id))
            .scalars()
            .all()
        )
        assert len(ids) == 2
        new = get_credential(tx, tenant.workspace.id, answers[0].headers["location"].rpartition("/")[2])
    assert (new.state, new.recipient.name, new.delivery_state) == ("issued", "Ada Lovelace", "sending")


def test_a_draft_is_issued_changed_and_deleted(staff, owner, tenant, make, read, mails):
    first, second = make(tenant, state="draft"), make(tenant, state="draft")
    mine = staff(owner)
    changed = {"recipient.name": "Ada King", "issue_date": "2026-11-02"}
    assert mine.post(f"~/credentials/{first.id}/edit", changed).status_code == 303
    assert (read(first).recipient.name, read(first).version) == ("Ada King", 1)
    assert mine.post(f"~/credentials/{second.id}/issue", {"send": "yes"}).status_code == 303
    assert (read(second).state, mails(second)) == ("issued", 1)
    gone = mine.post(f"~/credentials/{first.id}/delete")
    assert gone.headers["location"] == "/w/meridian/credentials"
    assert read(first) is None


@pytest.mark.parametrize("look", [{}, {"narrow": True, "dark": True}])
def test_a_credential_is_revoked_and_issued_again(browse, owner, tenant, make, accessible, look, read):
    made = make(tenant, custom_attributes={"custom.mentor": "Mary Somerville"})
    page = browse(owner, **look)
    page.goto("/w/meridian/credentials")
    accessible(page)
    page.get_by_role("link", name="Ada Lovelace").click()
    page.wait_for_url(f"**/credentials/{made.id}")
    accessible(page)
    page.get_by_label("More").click()
    page.get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_label("Reason").fill("The name is wrong")
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    page.get_by_text("The credential was revoked").wait_for()
    accessible(page)
    assert read(made).revocation_reason == "The name is wrong"
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("in force again").wait_for()
    page.get_by_label("More").click()
    page.get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    page.get_by_text("The credential was revoked").wait_for()
    page.get_by_role("link", name="Issue again").first.click()
    accessible(page)
    page.get_by_label("Name").fill("Ada King")
    page.get_by_role("button", name="Issue", exact=True).click()
    page.get_by_text("A new credential was issued").wait_for()
    assert page.get_by_role("heading", level=1).inner_text() == "Ada King"
    assert page.get_by_text("Mary Somerville").count() == 1
    if look:
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.goto("/w/meridian/credentials?status=revoked")
    assert page.get_by_role("link", name="Ada Lovelace").count() == 1
    assert page.get_by_role("link", name="Ada King").count() == 0


def test_the_table_works_by_keyboard(browse, owner, tenant, make, accessible):
    for name in ("Ada Lovelace", "Bo Draft", "Cy Young"):
        make(tenant, name, None, state="draft")
    page = browse(owner)
    page.goto("/w/meridian/credentials?sort=name")
    focused = "document.activeElement.textContent"
    page.keyboard.press("j")
    assert page.evaluate(focused) == "Ada Lovelace"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("j")
    page.keyboard.press("k")
    assert page.evaluate(focused) == "Bo Draft"
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press(" ")
    assert page.get_by_text("2 ticked").is_visible()
    page.keyboard.press("?")
    assert page.get_by_role("dialog", name="Keys").is_visible()
    accessible(page)
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("cy")
    page.get_by_role("link", name="Ada Lovelace").wait_for(state="detached")
    page.wait_for_function("() => location.search.includes('q=cy') && location.search.includes('sort=name')")
    page.keyboard.press("ArrowDown")
    assert page.evaluate(focused) == "Cy Young"
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/credentials/[0-9a-z]{26}$"))
    page.go_back()
    page.get_by_role("link", name="Cy Young").wait_for()
    assert page.get_by_role("searchbox").input_value() == "cy"


def test_many_are_issued_step_by_step_in_a_browser(browse, owner, tenant, make, read, monkeypatch):
    monkeypatch.setattr(credentials_bulk, "STEP", 2)
    made = [make(tenant, f"Person {number}", None, state="draft") for number in range(5)]
    page = browse(owner)
    page.goto("/w/meridian/credentials?status=draft")
    page.get_by_label("Tick all rows").check()
    page.get_by_label("All that match the filter").check()
    page.get_by_role("group", name="With the ticked rows").get_by_role("button", name="Issue").click()
    page.get_by_text("This is about 5 credentials").wait_for()
    page.get_by_role("button", name="Issue credentials").click()
    page.get_by_text("5 credentials were issued").wait_for()
    assert {read(item).state for item in made} == {"issued"}
