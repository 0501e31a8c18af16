"""Credential templates in the dashboard: the list, the editor, what is shown of one, copies and deleting."""

import re
from dataclasses import replace

import pytest

from testamur.clock import now
from testamur.credential_templates.queries import (
    get_credential_template,
    list_credential_templates,
    search_credential_templates,
)
from testamur.delivery.templates import chosen_email_templates, create_email_template
from testamur.designs.creating import duplicate_design
from testamur.designs.queries import search_designs
from testamur.ids import new_id
from testamur.plans import Plan

sqlite = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def manager(person, staff, tenant):
    return staff(person(tenant, "manager"))


def stored(platform, tenant, template_id):
    with platform.database.read() as tx:
        return get_credential_template(tx, tenant.workspace.id, template_id)


def all_of(platform, tenant):
    with platform.database.read() as tx:
        return list_credential_templates(tx, tenant.workspace.id, None, 100).items


def sent(tenant, **changed):
    """What the form of a new template sends."""
    body = {
        "name": "Financial Markets",
        "design_ids": [tenant.certificate_id, tenant.badge_id],
        "expiry": "never",
        "expiry_number": "1",
        "expiry_unit": "years",
        "language": "en",
        "design_policy": "follow",
    }
    return {**body, **changed}


def field_value(page, name):
    return re.search(rf'name="{re.escape(name)}"[^>]*? value="([^"]*)"', page)[1]


def order_in(page):
    return re.findall(r'name="design_ids" value="([^"]+)"', page)


@sqlite
def test_a_template_is_made_in_one_step(platform, manager, tenant):
    page = manager.get(f"~/templates/new?design={tenant.badge_id}")
    assert order_in(page.text) == [tenant.badge_id]
    once = field_value(page.text, "once")
    body = sent(tenant, once=once, design_ids=[tenant.badge_id])
    first = manager.post("~/templates/new", body)
    again = manager.post("~/templates/new", body)
    assert first.headers["location"] == again.headers["location"]
    assert len(all_of(platform, tenant)) == 1
    template_id = first.headers["location"].rpartition("/")[2]
    shown = manager.get(first.headers["location"]).text
    assert f'href="/w/meridian/issue?template={template_id}"' in shown


@sqlite
def test_a_new_template_begins_with_a_design(manager, tenant, other_tenant):
    assert order_in(manager.get("~/templates/new").text) == [tenant.certificate_id]
    for unusable in (other_tenant.badge_id, "x", "%00", new_id()):
        assert order_in(manager.get(f"~/templates/new?design={unusable}").text) in ([], [tenant.certificate_id])


@sqlite
def test_everything_that_is_set_is_kept(platform, manager, tenant):
    with platform.database.write() as tx:
        email = create_email_template(
            tx, tenant.workspace.id, kind="expired", name="Ours", subject="Over", body="It is over.", at=now()
        )
    body = sent(
        tenant,
        learning_event_url="https://example.org/course",
        description="Line one\r\nline two",
        criteria="Pass",
        expiry="after",
        expiry_number="18",
        expiry_unit="months",
        language="pt-BR",
        design_policy="pinned",
        achievement_type="CertificateOfCompletion",
        tags="finance, bonds,",
        skill_name=["Pricing", "", "Trading"],
        skill_url=["https://example.org/pricing", "", "https://example.org/trading"],
        skill_framework=["ESCO", "", ""],
        skill_code=["", "", ""],
        skill_description=["", "", "Of bonds"],
        **{
            "means.custom.mentor": "result",
            "meaning_name.custom.mentor": "Grade",
            "result_type.custom.mentor": "LetterGrade",
            "email.expired": email.id,
        },
    )
    template_id = manager.post("~/templates/new", body).headers["location"].rpartition("/")[2]
    made = stored(platform, tenant, template_id)
    assert made.design_ids == [tenant.certificate_id, tenant.badge_id]
    assert made.description == "Line one\nline two"
    assert (made.expiry_rule.number, made.expiry_rule.unit) == (18, "months")
    assert (made.language, made.design_policy) == ("pt-BR", "pinned")
    assert made.achievement.tags == ("finance", "bonds")
    assert [skill.name for skill in made.achievement.skills] == ["Pricing", "Trading"]
    assert made.achievement.attributes["custom.mentor"].result_type == "LetterGrade"
    # What the editor shows of it and sends again changes nothing.
    page = manager.get(f"~/templates/{template_id}/edit").text
    assert "Line one\nline two</textarea>" in page
    assert manager.post(f"~/templates/{template_id}/edit", body).status_code == 303
    assert stored(platform, tenant, template_id) == made
    with platform.database.read() as tx:
        assert chosen_email_templates(tx, tenant.workspace.id, template_id) == {"expired": email.id}
    # A copy has all of it.
    copy_id = manager.post(f"~/templates/{template_id}/duplicate").headers["location"].split("/")[-2]
    copy = stored(platform, tenant, copy_id)
    alike = {"id": made.id, "name": made.name, "created_at": made.created_at, "updated_at": made.updated_at}
    assert (copy.name, replace_all(copy, alike)) == ("Financial Markets (copy)", made)
    with platform.database.read() as tx:
        assert chosen_email_templates(tx, tenant.workspace.id, copy_id) == {"expired": email.id}


def replace_all(template, changes):
    import msgspec

    return msgspec.structs.replace(template, **changes)


@sqlite
@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"name": ""}, "Must not be empty"),
        ({"name": "x" * 256}, "at most 255"),
        ({"name": "a\x00"}, "control character"),
        ({"design_ids": []}, "at least one design"),
        ({"design_ids": ["x"]}, "does not exist"),
        ({"design_ids": ["01hzzzzzzzzzzzzzzzzzzzzzzz"]}, "does not exist"),
        ({"learning_event_url": "javascript:alert(1)"}, "web address"),
        ({"description": "x" * 10001}, "at most 10000"),
        ({"criteria": "\x01"}, "control character"),
        ({"expiry": "after", "expiry_number": "0"}, "from 1 to 1000"),
        ({"expiry": "after", "expiry_number": "1001"}, "from 1 to 1000"),
        ({"expiry": "after", "expiry_number": "1", "expiry_unit": "aeons"}, "from 1 to 1000"),
        ({"language": "no language"}, "language"),
        ({"achievement_type": "Nonsense"}, "achievementType"),
        ({"tags": "x" * 300}, "at most 255"),
        (
            {"skill_name": "A", "skill_url": "no", "skill_framework": "", "skill_code": "", "skill_description": ""},
            "web address",
        ),
        ({"email.delivery": "01hzzzzzzzzzzzzzzzzzzzzzzz"}, "does not exist"),
    ],
)
def test_what_cannot_be_used_is_told_beside_what_was_typed(platform, manager, tenant, changed, told):
    body = sent(tenant, once=new_id(), **changed)
    body.setdefault("criteria", "Typed before")
    answer = manager.post("~/templates/new", body)
    assert answer.status_code == 422
    assert told in answer.text
    assert field_value(answer.text, "once") == body["once"]
    if "criteria" not in changed:
        assert "Typed before" in answer.text
    assert all_of(platform, tenant) == []


@sqlite
def test_what_people_write_is_text_wherever_it_is_shown(platform, manager, tenant):
    body = sent(tenant, name=SCRIPT, description=SCRIPT, criteria=SCRIPT, tags=SCRIPT)
    location = manager.post("~/templates/new", body).headers["location"]
    for path in ("~/templates", location, f"{location}/edit", f"~/designs/{tenant.badge_id}", "~/templates?q=script"):
        page = manager.get(path).text
        assert SCRIPT not in page, path
        assert "&lt;script&gt;" in page, path
    refused = manager.post(
        "~/templates/new",
        sent(tenant, name="", learning_event_url=SCRIPT, achievement_type=SCRIPT, language=SCRIPT, find=SCRIPT),
    )
    assert (refused.status_code, SCRIPT in refused.text) == (422, False)


@sqlite
def test_designs_are_arranged_without_a_script(platform, manager, tenant):
    with platform.database.write() as tx:
        third = duplicate_design(tx, platform.storage, tenant.workspace.id, tenant.badge_id, name="Third", at=now()).id
    first, second = tenant.certificate_id, tenant.badge_id

    def pressed(ids, **button):
        return order_in(manager.post("~/templates/new", sent(tenant, design_ids=ids, **button)).text)

    assert pressed([first, second], up=second) == [second, first]
    assert pressed([first, second], up=first) == [first, second]
    assert pressed([first, second, third], down=first) == [second, first, third]
    assert pressed([first, second], down=second) == [first, second]
    assert pressed([first, second], remove=first) == [second]
    assert pressed([first, second], add=third) == [first, second, third]
    assert pressed([first, second], add=first) == [first, second]
    assert pressed([first], add="nonsense") == [first]
    assert pressed([first], up="nonsense") == [first]
    found = manager.post("~/templates/new", sent(tenant, design_ids=[first], find="thi", finding="yes")).text
    assert re.findall(r'name="add" value="([^"]+)"', found) == [third]
    assert all_of(platform, tenant) == []


@sqlite
def test_a_plan_is_kept_to(platform, manager, tenant, monkeypatch):
    from testamur.workspaces.tables import workspaces

    settings = replace(platform.settings, plans={"small": Plan(designs_per_template=1, features=frozenset())})
    object.__setattr__(platform, "settings", settings)
    with platform.database.write() as tx:
        tx.execute(workspaces.update().where(workspaces.c.id == tenant.workspace.id).values(plan="small"))
    answer = manager.post("~/templates/new", sent(tenant))
    assert (answer.status_code, "Your plan allows 1 design" in answer.text) == (422, True)
    expiring = sent(tenant, design_ids=[tenant.badge_id], expiry="after")
    assert "Your plan does not include expiry" in manager.post("~/templates/new", expiring).text
    assert manager.post("~/templates/new", sent(tenant, design_ids=[tenant.badge_id])).status_code == 303


def test_the_list_tells_how_much_a_template_is_used(platform, manager, api, tenant, other_tenant, group):
    for number in range(3):
        recipient = {"name": f"Person {number}", "email": f"p{number}@example.org"}
        body = {"groupId": group["id"], "recipient": recipient, "issueDate": "2026-11-24"}
        made = api("POST", "/credentials", body, status=201)
        if number:
            api("POST", f"/credentials/{made['id']}/issue")
    api("POST", "/groups", {"name": "Basket Weaving", "designIds": [tenant.badge_id]}, status=201)
    page = manager.get("~/templates").text
    rows = re.findall(r'<th scope="row">.*?</tr>', page, re.DOTALL)
    assert len(rows) == 2
    assert 'class="end num">0</td>' in rows[0]
    assert "Never" in rows[0]
    assert 'class="end num">3</td>' in rows[1]
    assert "<time" in rows[1]
    assert "Basket" not in manager.get("~/templates?q=MARKETS").text
    shown = manager.get(f"~/templates/{group['id']}").text
    assert "<dt>Credentials</dt><dd>3</dd>" in shown
    assert "Last issued on" in shown


def test_designs_and_templates_are_searched(platform, tenant, other_tenant, group):
    def found(named, type_=None):
        with platform.database.read() as tx:
            designs = search_designs(tx, tenant.workspace.id, None, 10, type_=type_, named=named).items
            templates = search_credential_templates(tx, tenant.workspace.id, None, 10, named=named).items
            return [item.id for item in designs], [item.id for item in templates]

    assert found("CLASSIC", "badge") == ([tenant.badge_id], [])
    assert set(found("classic")[0]) == {tenant.badge_id, tenant.certificate_id}
    assert found("fin") == ([], [group["id"]])
    assert found("%") == found("_") == found("\\") == ([], [])


def test_what_was_done_with_the_newest_credentials_is_counted(platform, tenant, api, group, other_tenant):
    from testamur.interactions.queries import summarize_newest, summarize_template
    from testamur.interactions.recording import record_interaction

    body = {"groupId": group["id"], "recipient": {"name": "Ada", "email": "ada@example.org"}, "issueDate": "2026-11-24"}
    made = api("POST", "/credentials", body, status=201)
    api("POST", f"/credentials/{made['id']}/issue")
    with platform.database.write() as tx:
        for event in ("credential_viewed", "credential_viewed", "credential_downloaded"):
            record_interaction(
                tx,
                tenant.workspace.id,
                credential_id=made["id"],
                event_type=event,
                triggered_by="recipient",
                triggered_at=now(),
                at=now(),
            )
    with platform.database.read() as tx:
        counted = summarize_newest(tx, tenant.workspace.id, group["id"])
        assert counted == summarize_template(tx, tenant.workspace.id, group["id"])
        assert (counted["viewed"], counted["downloaded"]) == (2, 1)
        assert summarize_newest(tx, other_tenant.workspace.id, group["id"])["viewed"] == 0


@sqlite
def test_a_template_with_credentials_is_not_deleted(platform, manager, api, tenant, group):
    body = {"groupId": group["id"], "recipient": {"name": "Ada", "email": "ada@example.org"}, "issueDate": "2026-11-24"}
    credential = api("POST", "/credentials", body, status=201)
    answer = manager.post(f"~/templates/{group['id']}/delete")
    cookies = {"Cookie": f"session={manager.person.session}; {answer.headers['set-cookie']}"}
    told = manager.get(answer.headers["location"], headers=cookies).text
    assert "has 1 credential; delete them first" in told
    api("DELETE", f"/credentials/{credential['id']}", status=204)
    assert manager.post(f"~/templates/{group['id']}/delete").headers["location"] == "/w/meridian/templates"
    assert all_of(platform, tenant) == []


@sqlite
def test_templates_of_another_workspace_do_not_exist(platform, client, manager, person, staff, tenant, other_tenant):
    rival = staff(person(other_tenant))
    made = rival.post("~/templates/new", sent(other_tenant, name="Rival secret")).headers["location"].rpartition("/")[2]
    for path in ("", "/edit"):
        assert manager.get(f"~/templates/{made}{path}").status_code == 404
    for action in ("edit", "duplicate", "delete"):
        assert manager.post(f"~/templates/{made}/{action}", sent(tenant)).status_code == 404, action
    assert "Rival" not in manager.get("~/templates").text
    assert "Rival" not in manager.get(f"~/designs/{tenant.certificate_id}").text
    answer = manager.post("~/templates/new", sent(tenant, design_ids=[other_tenant.badge_id]))
    assert (answer.status_code, "does not exist" in answer.text) == (422, True)
    assert stored(platform, other_tenant, made).name == "Rival secret"


@sqlite
def test_a_viewer_reads_and_does_not_change(person, staff, tenant, group):
    viewer = staff(person(tenant, "viewer"))
    page = viewer.get(f"~/templates/{group['id']}").text
    assert "Financial Markets" in page
    assert re.findall(r'method="post" action="([^"]+)"', page) == ["/sign-out"]
    assert "/issue" not in page
    assert viewer.get(f"~/templates/{group['id']}/edit").status_code == 403


@sqlite
@pytest.mark.parametrize("view", [{}, {"narrow": True, "dark": True}], ids=["wide-light", "narrow-dark"])
def test_a_template_with_two_designs_is_made_and_reordered(browse, accessible, platform, person, tenant, view):
    page = browse(person(tenant), **view)
    page.goto("/w/meridian/designs/gallery")
    accessible(page)
    page.goto("/w/meridian/designs")
    accessible(page)
    page.get_by_role("link", name="Classic certificate").click()
    accessible(page)
    page.get_by_role("link", name="Use this design").click()
    page.get_by_label("Name", exact=True).fill("Bond Trading")
    page.get_by_text("Add a design").click()
    page.get_by_role("button", name="Add Classic badge").click()
    page.get_by_role("button", name="Remove Classic badge").wait_for()
    accessible(page)
    if view.get("narrow"):
        assert page.evaluate("document.documentElement.scrollWidth") <= 390

    def order():
        return page.locator(".order .name").all_inner_texts()

    assert order() == ["Classic certificate", "Classic badge"]
    # By dragging.
    grips = page.locator("[data-grip]")
    grips.nth(1).scroll_into_view_if_needed()
    start, end = grips.nth(1).bounding_box(), grips.nth(0).bounding_box()
    page.mouse.move(start["x"] + 8, start["y"] + 12)
    page.mouse.down()
    page.mouse.move(end["x"] + 8, end["y"] - 4, steps=6)
    page.mouse.up()
    assert order() == ["Classic badge", "Classic certificate"]
    assert page.locator("#arranged").inner_text() == "Classic badge is number 1 of 2 now"
    # With the keyboard, which keeps its place.
    page.get_by_role("button", name="Move Classic badge down").focus()
    page.keyboard.press("Enter")
    assert order() == ["Classic certificate", "Classic badge"]
    page.get_by_role("button", name="Move Classic badge up").focus()
    page.keyboard.press("Space")
    assert order() == ["Classic badge", "Classic certificate"]
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Move Classic badge up"
    # The pictures follow, of each name that is tried.
    badge = page.locator("#pictures [data-sample=long] img").first
    page.get_by_label("Long name").check()
    badge.wait_for()
    page.wait_for_function(
        f"() => document.querySelector('#pictures [data-sample=long] img').src.includes('{tenant.badge_id}')"
    )
    page.wait_for_function("() => document.querySelector('#pictures [data-sample=long] img').naturalWidth > 100")
    assert "Bond+Trading" in badge.get_attribute("src")
    page.get_by_role("button", name="Save").last.click()
    page.get_by_text("Saved. It can be issued now.").wait_for()
    assert page.get_by_role("link", name="Issue").last.get_attribute("href").startswith("/w/meridian/issue?template=")
    accessible(page)
    page.goto("/w/meridian/templates")
    accessible(page)
    (made,) = all_of(platform, tenant)
    assert made.design_ids == [tenant.badge_id, tenant.certificate_id]
