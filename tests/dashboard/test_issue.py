"""Issuing to one recipient by a form."""

import io
import re

import pytest
from PIL import Image
from sqlalchemy import text

from testamur.clock import now
from testamur.plans import Plan
from testamur.worker.work import work_off
from testamur.workspaces.creating import set_plan

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def someone(staff, owner, group):
    return staff(owner)


def token_in(page):
    return re.search(r'name="token" value="([0-9a-z]{26})"', page.text)[1]


@pytest.fixture
def fill(someone, group):
    """The form's fields with a fresh token, and those given."""

    def make(**given):
        page = someone.get(f"~/issue?template={group['id']}")
        assert page.status_code == 200
        usual = {"token": token_in(page), "template": group["id"], "recipient.name": "Ada Lovelace", "action": "issue"}
        return usual | {name.replace("__", "."): value for name, value in given.items()}

    return make


def credentials_of(api):
    return api("GET", "/credentials?limit=100")["data"]


def picture(colour="teal"):
    content = io.BytesIO()
    Image.new("RGB", (40, 20), colour).save(content, "PNG")
    return content.getvalue()


@pytest.mark.parametrize(
    ("action", "status", "mails"), [("draft", "draft", 0), ("issue", "issued", 0), ("send", "issued", 1)]
)
def test_one_credential_is_made_as_far_as_wanted(api, someone, fill, platform, action, status, mails):
    fields = fill(recipient__email="ada@example.com", issue_date="2026-11-20", expiry_date="2027-11-20", action=action)
    fields["custom_attributes.custom.mentor"] = "Jane"
    answer = someone.post("~/issue", fields)
    assert answer.status_code == 303
    (made,) = credentials_of(api)
    assert answer.headers["location"] == f"/w/meridian/issue/done/{made['id']}"
    assert (made["status"], made["issueDate"], made["expiryDate"]) == (status, "2026-11-20", "2027-11-20")
    assert made["customAttributes"] == {"custom.mentor": "Jane"}
    work_off(platform)
    assert len(list((platform.settings.data_dir / "mails").glob("*.eml"))) == mails
    page = someone.get(answer.headers["location"]).text
    assert "Ada Lovelace" in page
    assert (f"http://testserver/credentials/{made['publicId']}" in page) == (status == "issued")
    source = re.search(r'src="(/files/[^"]+)"', page)[1]
    assert someone.get(source).headers["content-type"] == "image/webp"


def test_a_template_is_chosen_unless_there_is_one_only(api, someone, tenant):
    assert 'name="recipient.name"' in someone.get("~/issue").text
    api("POST", "/groups", {"name": f"Other {SCRIPT}", "designIds": [tenant.badge_id]}, status=201)
    page = someone.get("~/issue").text
    assert 'name="recipient.name"' not in page
    assert "Financial Markets" in page
    assert SCRIPT not in page


def test_without_a_template_the_way_to_the_first_is_told(staff, person, other_tenant):
    page = staff(person(other_tenant)).get("~/issue").text
    assert "First, say what is awarded" in page


def test_a_form_that_is_sent_twice_makes_one_credential(api, someone, fill):
    fields = fill(recipient__email="ada@example.com")
    first, second = someone.post("~/issue", fields), someone.post("~/issue", fields)
    assert first.headers["location"] == second.headers["location"]
    assert len(credentials_of(api)) == 1
    assert len(api("GET", "/credentials")["data"]) == 1


def test_a_form_sent_again_with_other_entries_asks_before_it_makes_another(api, someone, fill):
    fields = fill(recipient__email="ada@example.com")
    someone.post("~/issue", fields)
    other = fields | {"recipient.name": "Bob", "recipient.email": "bob@example.com"}
    answer = someone.post("~/issue", other)
    assert answer.status_code == 422
    assert "was sent before, with other entries" in answer.text
    assert 'value="Bob"' in answer.text
    assert len(credentials_of(api)) == 1
    assert someone.post("~/issue", other | {"token": token_in(answer)}).status_code == 303
    assert len(credentials_of(api)) == 2


@pytest.mark.parametrize("email", ["ada@example.com", ""])
def test_another_tab_asks_before_the_same_recipient_gets_the_same_again(api, someone, fill, email):
    tabs = [fill(recipient__email=email), fill(recipient__email=email.upper())]
    assert someone.post("~/issue", tabs[0]).status_code == 303
    answer = someone.post("~/issue", tabs[1])
    assert answer.status_code == 422
    assert "has a credential of “Financial Markets” already (issued)" in answer.text
    assert len(credentials_of(api)) == 1
    assert someone.post("~/issue", tabs[1] | {"token": token_in(answer), "again": "yes"}).status_code == 303
    assert len(credentials_of(api)) == 2


def test_a_revoked_credential_keeps_nobody_from_getting_another(api, someone, fill):
    someone.post("~/issue", fill(recipient__email="ada@example.com"))
    (made,) = credentials_of(api)
    api("POST", f"/credentials/{made['id']}/revoke", {})
    assert someone.post("~/issue", fill(recipient__email="ada@example.com")).status_code == 303


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"recipient.name": ""}, "Must not be empty"),
        ({"recipient.name": "x" * 256}, "at most 255 characters"),
        ({"recipient.name": "a\x07b"}, "control character U+0007"),
        ({"recipient.name": "\u200b"}, "at least one visible character"),
        ({"recipient.email": "ada@"}, "Must be an e-mail address"),
        ({"action": "send"}, "Needed to send"),
        ({"issue_date": "11/24/2026"}, "is not a date"),
        ({"issue_date": "2026-02-30"}, "not a day of the calendar"),
        ({"issue_date": "2026-11-24", "expiry_date": "2026-11-23"}, "Must not be before the issue date"),
        ({"custom_attributes.custom.score": "many"}, "is not a number"),
        ({"custom_attributes.custom.passed": "yesterday"}, "is not a date"),
        ({"custom_attributes.custom.photo": "http://example.com/a.png"}, "must start with https://"),
        ({"custom_attributes.custom.photo": "asset:" + "0" * 64}, "no such picture"),
        ({"custom_attributes.custom.mentor": "x" * 5001}, "at most 5000 characters"),
        ({"token": ""}, "open its page again"),
        ({"token": "x" * 400}, "open its page again"),
        ({"template": "01hzzzzzzzzzzzzzzzzzzzzzzz"}, "is not there any more"),
        ({"template": "'"}, "is not there any more"),
    ],
)
def test_what_cannot_be_used_is_told_and_kept(api, someone, fill, fields, told):
    for name, type_ in (("Score", "number"), ("Passed", "date"), ("Photo", "image")):
        api("POST", "/attributes", {"name": name, "type": type_}, status=201)
    answer = someone.post("~/issue", fill(custom_attributes__custom__mentor=f"Typed {SCRIPT}") | fields)
    assert answer.status_code == 422
    assert told in answer.text
    assert SCRIPT not in answer.text
    if "template" not in fields and "custom_attributes.custom.mentor" not in fields:
        assert "Typed &lt;script&gt;" in answer.text
    assert credentials_of(api) == []


def test_all_faults_are_told_at_once(someone, fill):
    page = someone.post("~/issue", fill(recipient__name="", recipient__email="ada@", issue_date="soon")).text
    for told in ("Must not be empty", "Must be an e-mail address", "soon is not a date"):
        assert told in page


def test_a_template_of_another_workspace_is_not_there(client, someone, fill, other_tenant, api):
    headers = other_tenant.headers
    body = {"name": "Rival Award", "designIds": [other_tenant.certificate_id]}
    other = client.post("/v1/groups", headers=headers, json=body).json()["id"]
    assert someone.get(f"~/issue?template={other}").status_code == 404
    answers = [someone.post(path, fill(template=other)) for path in ("~/issue", "~/issue/preview")]
    assert [answer.status_code for answer in answers] == [422, 404]
    assert "Rival Award" not in answers[0].text + answers[1].text
    assert credentials_of(api) == []


def test_a_credential_of_another_workspace_is_not_shown(client, someone, other_tenant):
    body = {"name": "Rival Award", "designIds": [other_tenant.certificate_id]}
    other = client.post("/v1/groups", headers=other_tenant.headers, json=body).json()["id"]
    body = {"groupId": other, "recipient": {"name": "Hidden"}}
    made = client.post("/v1/credentials", headers=other_tenant.headers, json=body).json()["id"]
    assert someone.get(f"~/issue/done/{made}").status_code == 404


def test_who_may_only_draft_cannot_issue(api, person, staff, tenant, fill):
    drafter = staff(person(tenant, "draft_manager"))
    page = drafter.get("~/issue")
    assert 'value="issue"' not in page.text
    assert 'value="draft"' in page.text
    for action in ("issue", "send"):
        assert drafter.post("~/issue", fill(action=action, recipient__email="a@example.com")).status_code == 403
    assert credentials_of(api) == []
    assert drafter.post("~/issue", fill(action="draft")).status_code == 303


def test_a_plan_that_is_used_up_is_told_and_nothing_is_made(api, someone, fill, platform, tenant):
    object.__setattr__(platform.settings, "plans", {"small": Plan(credentials_per_year=1)})
    with platform.database.write() as tx:
        set_plan(tx, tenant.workspace.id, "small", at=now())
    assert someone.post("~/issue", fill(recipient__name="Ada")).status_code == 303
    answer = someone.post("~/issue", fill(recipient__name="Bob"))
    assert answer.status_code == 422
    assert "yearly limit of 1 credentials" in answer.text
    assert [item["recipient"]["name"] for item in credentials_of(api)] == ["Ada"]


def test_a_preview_shows_the_certificate_and_what_is_wrong(someone, fill):
    page = someone.post("~/issue/preview", fill())
    assert page.status_code == 200
    assert "data:" in page.headers["content-security-policy"]
    assert 'src="data:image/webp;base64,' in page.text
    assert "Everything fits" in page.text
    long = someone.post("~/issue/preview", fill(recipient__name=f"{SCRIPT} " + "Wolfeschlegelstein" * 12)).text
    assert "Too long for its place in the design" in long
    assert SCRIPT not in long
    half = someone.post("~/issue/preview", fill(recipient__name="", recipient__email="ada@", issue_date="2026-1"))
    assert "Must be an e-mail address" in half.text
    assert "2026-1 is not a date" in half.text
    assert "data:image/webp" in half.text


def test_a_picture_is_kept_when_it_is_chosen(api, someone, fill):
    api("POST", "/attributes", {"name": "Photo", "type": "image"}, status=201)
    api("POST", "/attributes", {"name": "Logo", "type": "image"}, status=201)
    files = {"file.custom.photo": ("me.png", picture(), "image/png")}
    answer = someone.post("~/issue/pictures", {}, files=files)
    assert answer.status_code == 200
    source = re.search(r'value="(asset:[0-9a-f]{64})"', answer.text)[1]
    assert "Uploaded: me.png" in answer.text
    someone.post("~/issue", fill(custom_attributes__custom__photo=source))
    assert credentials_of(api)[0]["customAttributes"] == {"custom.photo": source}


def test_pictures_come_with_the_form_where_there_is_no_script(api, someone, fill):
    api("POST", "/attributes", {"name": "Photo", "type": "image"}, status=201)
    api("POST", "/attributes", {"name": "Logo", "type": "image"}, status=201)
    files = {
        "file.custom.photo": ("me.png", picture(), "image/png"),
        "file.custom.logo": ("logo.png", picture("red"), "image/png"),
    }
    assert someone.post("~/issue", fill(), files=files).status_code == 303
    values = credentials_of(api)[0]["customAttributes"]
    assert values.keys() == {"custom.photo", "custom.logo"}
    assert values["custom.photo"] != values["custom.logo"]


@pytest.mark.parametrize("content", [b"", b"GIF89a nonsense", b"<svg onload='alert(1)'", b"%PDF-1.7"])
def test_a_file_that_is_no_picture_is_told(api, someone, fill, content):
    api("POST", "/attributes", {"name": "Photo", "type": "image"}, status=201)
    files = {"file.custom.photo": ("<b>me</b>.png", content, "image/png")}
    for answer in (someone.post("~/issue/pictures", {}, files=files), someone.post("~/issue", fill(), files=files)):
        assert answer.status_code == 422
        assert 'class="fault"' in answer.text
        assert "<b>me" not in answer.text
    assert credentials_of(api) == []


def test_pictures_are_for_attributes_of_the_workspace_only(client, someone, other_tenant):
    client.post("/v1/attributes", headers=other_tenant.headers, json={"name": "Photo", "type": "image"})
    files = {"file.custom.photo": ("me.png", picture(), "image/png")}
    assert someone.post("~/issue/pictures", {}, files=files).status_code == 404


def test_what_was_done_is_in_the_audit_log(someone, fill, platform):
    someone.post("~/issue", fill(action="draft"))
    with platform.database.read() as tx:
        rows = tx.execute(text("SELECT action, subject, details FROM audit_entries")).all()
    # The template was made by a token, as its fixture does.
    assert [row.action for row in rows if not row.action.startswith("credential_template.")] == ["credential.created"]
    assert "Ada" not in str(rows)


def test_one_is_issued_with_the_keyboard_and_the_way_back_makes_no_second(browse, owner, group, api, accessible):
    page = browse(owner)
    page.goto("/w/meridian/issue")
    page.locator("#preview img").wait_for()
    before = page.locator("#preview img").get_attribute("src")
    page.keyboard.type("Ada Lovelace")
    page.wait_for_function("(before) => document.querySelector('#preview img')?.src !== before", arg=before)
    page.keyboard.press("Tab")
    page.keyboard.type("ada@example.com")
    accessible(page)
    # Pressed twice as fast as can be, in one page.
    page.evaluate("document.querySelector('button[value=issue]').focus()")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.wait_for_url("**/issue/done/*")
    accessible(page)
    address = page.locator("#address").input_value()
    page.go_back()
    page.locator('button[value="issue"]').wait_for()
    page.get_by_label("Recipient's name").fill("Ada Lovelace")
    page.get_by_label("Email address").fill("ada@example.com")
    page.locator('button[value="issue"]').click()
    # The browser shows the form as it was sent, or anew; the one leads to what was made, the other asks.
    page.locator("[role=alert], #address").first.wait_for()
    assert len(credentials_of(api)) == 1
    page.goto(address)
    assert "Ada Lovelace" in page.content()


def test_on_a_telephone_a_picture_is_chosen_and_shown(browse, owner, group, api, accessible, tmp_path):
    api("POST", "/attributes", {"name": "Photo", "type": "image"}, status=201)
    file = tmp_path / "me.png"
    file.write_bytes(picture())
    page = browse(owner, narrow=True, dark=True)
    page.goto("/w/meridian/issue")
    page.locator("#preview img").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_label("Recipient's name").fill("Ada Lovelace")
    page.locator(".fold > summary").click()
    page.get_by_label("File of the picture for Photo").set_input_files(str(file))
    page.get_by_text("Uploaded: me.png").wait_for()
    accessible(page)
    page.locator('button[value="issue"]').click()
    page.wait_for_url("**/issue/done/*")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    accessible(page)
    (made,) = credentials_of(api)
    assert made["customAttributes"]["custom.photo"].startswith("asset:")
