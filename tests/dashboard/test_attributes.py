"""Attributes in the dashboard."""

import re
from base64 import urlsafe_b64decode
from dataclasses import replace

import msgspec
import pytest

from testamur.attributes.queries import list_attributes
from testamur.attributes.standard import STANDARD
from testamur.dashboard.attributes import STANDARD_NAMES
from testamur.plans import Plan

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def manager(person, staff, tenant):
    return staff(person(tenant, "manager"))


def defined(platform, tenant):
    with platform.database.read() as tx:
        return {item.tag: (item.name, item.type) for item in list_attributes(tx, tenant.workspace.id)}


def undo_of(answer):
    cookie = re.search(r'notice="?([\w=-]+)', answer.headers["set-cookie"])[1]
    return msgspec.json.decode(urlsafe_b64decode(cookie))["undo"]


def test_an_attribute_is_defined_renamed_and_deleted(platform, manager, tenant):
    assert manager.post("~/attributes", {"name": "Final grade", "tag": "", "type": "number"}).status_code == 303
    assert manager.post("~/attributes", {"name": "Hours", "tag": "hours", "type": "number"}).status_code == 303
    assert manager.post("~/attributes", {"name": "Seal", "tag": "custom.seal", "type": "image"}).status_code == 303
    assert defined(platform, tenant) == {
        "custom.final_grade": ("Final grade", "number"),
        "custom.hours": ("Hours", "number"),
        "custom.mentor": ("Mentor", "text"),
        "custom.seal": ("Seal", "image"),
    }
    page = manager.get("~/attributes").text
    attribute_id = re.search(r'id="tag-([^"]+)">\[custom.final_grade\]', page)[1]
    manager.post(f"~/attributes/{attribute_id}/rename", {"name": "Grade"})
    assert defined(platform, tenant)["custom.final_grade"] == ("Grade", "number")
    # What was deleted comes back.
    answer = manager.post(f"~/attributes/{attribute_id}/delete")
    assert "custom.final_grade" not in defined(platform, tenant)
    undo = undo_of(answer)
    assert manager.post(undo["path"], undo["fields"]).status_code == 303
    assert defined(platform, tenant)["custom.final_grade"] == ("Grade", "number")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"name": "", "type": "text"}, "Must not be empty"),
        ({"name": "x" * 256, "type": "text"}, "at most 255"),
        ({"name": "Grade\x00", "type": "text"}, "control character"),
        ({"name": "分", "type": "text"}, "Must be custom. and then"),
        ({"name": SCRIPT, "tag": SCRIPT, "type": "text"}, "Must be custom. and then"),
        ({"name": "Grade", "tag": "custom.mentor", "type": "text"}, "defined already"),
        ({"name": "Grade", "type": "poem"}, "Choose what its values are"),
        ({}, "Choose what its values are"),
    ],
)
def test_what_cannot_be_used_is_told(platform, manager, tenant, body, told):
    answer = manager.post("~/attributes", body)
    assert answer.status_code == 422
    assert told in answer.text
    assert SCRIPT not in answer.text
    assert list(defined(platform, tenant)) == ["custom.mentor"]


def test_a_name_that_cannot_be_used_is_told_where_it_was_typed(manager, tenant, platform):
    page = manager.get("~/attributes").text
    attribute_id = re.search(r'id="tag-([^"]+)">\[custom.mentor\]', page)[1]
    answer = manager.post(f"~/attributes/{attribute_id}/rename", {"name": "x" * 256})
    assert (answer.status_code, "at most 255" in answer.text) == (422, True)
    manager.post(f"~/attributes/{attribute_id}/rename", {"name": SCRIPT})
    for path in ("~/attributes", "~/emails/new", f"~/templates/new?design={tenant.badge_id}"):
        page = manager.get(path).text
        assert (SCRIPT in page, "&lt;script&gt;" in page) == (False, True), path


def test_an_attribute_in_use_stays(platform, manager, api, tenant, group):
    body = {
        "groupId": group["id"],
        "recipient": {"name": "Ada", "email": "ada@example.org"},
        "issueDate": "2026-11-24",
        "customAttributes": {"custom.mentor": "Grace"},
    }
    api("POST", "/credentials", body, status=201)
    attribute_id = re.search(r'id="tag-([^"]+)">\[custom.mentor\]', manager.get("~/attributes").text)[1]
    answer = manager.post(f"~/attributes/{attribute_id}/delete")
    cookies = {"Cookie": f"session={manager.person.session}; {answer.headers['set-cookie']}"}
    assert "delete these first" in manager.get(answer.headers["location"], headers=cookies).text
    assert "custom.mentor" in defined(platform, tenant)


def test_attributes_of_another_workspace_do_not_exist(platform, manager, tenant, other_tenant):
    with platform.database.read() as tx:
        (foreign,) = list_attributes(tx, other_tenant.workspace.id)
    for action in ("rename", "delete"):
        assert manager.post(f"~/attributes/{foreign.id}/{action}", {"name": "Mine"}).status_code == 404
    assert foreign.id not in manager.get("~/attributes").text
    assert defined(platform, other_tenant) == {"custom.mentor": ("Mentor", "text")}


def test_a_plan_is_kept_to(platform, manager, tenant):
    from testamur.workspaces.tables import workspaces

    settings = replace(platform.settings, plans={"small": Plan(features=frozenset())})
    object.__setattr__(platform, "settings", settings)
    with platform.database.write() as tx:
        tx.execute(workspaces.update().where(workspaces.c.id == tenant.workspace.id).values(plan="small"))
    answer = manager.post("~/attributes", {"name": "Grade", "type": "text"})
    assert (answer.status_code, "does not include custom attributes" in answer.text) == (422, True)


def test_every_standard_attribute_is_shown(manager):
    assert {attribute.tag: attribute.name for attribute in STANDARD} == STANDARD_NAMES
    page = manager.get("~/attributes").text
    for attribute in STANDARD:
        assert f">[{attribute.tag}]</code>" in page
