"""Designs in the dashboard: the gallery, import and export, versions, deleting."""

import io
import re
import zipfile

import pytest
from sqlalchemy import func, select

from testamur.clock import now
from testamur.designs.creating import NAME_LENGTH_MAX
from testamur.designs.editing import update_design
from testamur.designs.queries import get_design, get_version, has_asset, list_designs
from testamur.designs.tables import assets
from testamur.ids import new_id
from testamur.rendering.document import parse_document

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def designer(person, staff, tenant):
    return staff(person(tenant, "manager"))


def names(platform, tenant):
    with platform.database.read() as tx:
        return [design.name for design in list_designs(tx, tenant.workspace.id, None, 100).items]


def shown_names(answer):
    return re.findall(r'<h2 class="title"><a href="[^"]+">([^<]+)</a>', answer.text)


def rename(platform, tenant, design_id, name):
    with platform.database.write() as tx:
        update_design(tx, platform.storage, tenant.workspace.id, design_id, name=name, at=now())


def test_designs_are_found_by_kind_and_name(platform, designer, tenant, other_tenant):
    rename(platform, tenant, tenant.certificate_id, f"100% {SCRIPT}")
    rename(platform, other_tenant, other_tenant.certificate_id, "Rival's own")
    everything = designer.get("~/designs")
    assert SCRIPT not in everything.text
    assert "Rival" not in everything.text
    badge = shown_names(designer.get("~/designs?type=badge"))
    assert len(badge) == 1
    assert shown_names(designer.get(f"~/designs?q={badge[0].upper()}")) == badge
    assert len(shown_names(designer.get("~/designs?q=100%25"))) == 1
    assert shown_names(designer.get("~/designs?type=badge&q=100%25")) == []
    for odd in ("q=_", "q=%00", "type=poster", f"q={'x' * 5000}"):
        assert designer.get(f"~/designs?{odd}").status_code == 200, odd
    assert designer.get("~/designs?cursor=odd").status_code == 400


def test_a_long_list_has_pages(platform, designer, tenant):
    page = designer.get("~/designs").text
    once = re.search(r'name="once" value="([^"]+)"', page)[1]
    for _ in range(25):
        designer.post(f"~/designs/{tenant.badge_id}/duplicate", {"once": new_id()})
    first = designer.get("~/designs?type=badge")
    following = re.search(r'rel="next" href="([^"]+)"', first.text)[1].replace("&amp;", "&")
    second = designer.get(following)
    assert (len(shown_names(first)), len(shown_names(second))) == (24, 2)
    assert len(once) == 26


def test_a_design_of_the_gallery_is_copied_once(platform, designer, tenant):
    page = designer.get("~/designs/gallery")
    once = re.search(r'name="once" value="([^"]+)"', page.text)[1]
    body = {"name": "diploma", "once": once, "use": "yes"}
    before = len(names(platform, tenant))
    first = designer.post("~/designs/gallery", body)
    second = designer.post("~/designs/gallery", body)
    assert first.headers["location"].startswith("/w/meridian/templates/new?design=")
    assert second.headers["location"] == first.headers["location"]
    assert len(names(platform, tenant)) == before + 1
    assert designer.post("~/designs/gallery", {"name": "../secret"}).status_code == 404


def test_a_starter_that_the_workspace_has_is_used_and_not_copied(platform, designer, tenant):
    used = designer.post("~/designs/gallery", {"name": "certificate", "use": "yes"})
    assert used.headers["location"] == f"/w/meridian/templates/new?design={tenant.certificate_id}"
    with platform.database.write() as tx:
        drawn = parse_document(get_version(tx, tenant.workspace.id, tenant.badge_id, 1).document)
        update_design(tx, platform.storage, tenant.workspace.id, tenant.certificate_id, document=drawn, at=now())
    used = designer.post("~/designs/gallery", {"name": "certificate", "use": "yes"})
    assert used.headers["location"] != f"/w/meridian/templates/new?design={tenant.certificate_id}"


def test_a_design_is_exported_and_imported_again(platform, designer, tenant):
    exported = designer.get(f"~/designs/{tenant.certificate_id}/export")
    assert exported.headers["content-disposition"].startswith("attachment")
    assert "design.json" in zipfile.ZipFile(io.BytesIO(exported.content)).namelist()
    answer = designer.post("~/designs/import", files={"file": ("a.design.zip", exported.content)})
    assert answer.status_code == 303
    made = answer.headers["location"].rpartition("/")[2]
    with platform.database.read() as tx:
        documents = {
            get_version(tx, tenant.workspace.id, design_id, 1).document for design_id in (tenant.certificate_id, made)
        }
    assert len(documents) == 1


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "not a design"),
        (b"GIF89a", "not a design"),
        (b"PK\x03\x04broken", "broken or incomplete"),
        (b'{"name": "x"}', "type"),
    ],
)
def test_what_is_no_design_is_refused(platform, designer, tenant, content, told):
    before = names(platform, tenant)
    answer = designer.post("~/designs/import", files={"file": (f"{SCRIPT}.zip", content)})
    assert answer.status_code == 422
    assert told in answer.text
    assert SCRIPT not in answer.text
    assert names(platform, tenant) == before


def test_a_picture_is_uploaded_for_attributes(platform, designer, tenant):
    with platform.database.read() as tx:
        before = tx.execute(select(func.count()).select_from(assets)).scalar()
    drawn = b'<svg xmlns="http://www.w3.org/2000/svg" width="20" height="10"><path d="M0 0h20v10z"/></svg>'
    answer = designer.post("~/designs/pictures", files={"file": ("seal.svg", drawn)})
    source = re.search(r'value="(asset:[0-9a-f]{64})"', answer.text)[1]
    with platform.database.read() as tx:
        assert has_asset(tx, tenant.workspace.id, source.removeprefix("asset:"))
    for content in (b"", b"GIF89a", b"<svg", b"x" * 1000):
        refused = designer.post("~/designs/pictures", files={"file": (f"{SCRIPT}.png", content)})
        assert (refused.status_code, SCRIPT in refused.text) == (422, False), content
    assert "Choose a file first" in designer.post("~/designs/pictures").text
    with platform.database.read() as tx:
        assert tx.execute(select(func.count()).select_from(assets)).scalar() == before + 1


def test_nothing_chosen_is_told(designer):
    answer = designer.post("~/designs/import", files={"file": ("", b"")})
    assert (answer.status_code, "Choose a file first" in answer.text) == (422, True)


@pytest.mark.parametrize(
    ("name", "told"),
    [("", "Must not be empty"), ("\u200b", "visible"), ("x" * 256, "at most 255"), ("a\x00b", "control character")],
)
def test_a_name_that_cannot_be_used_is_told(designer, tenant, name, told):
    answer = designer.post(f"~/designs/{tenant.certificate_id}/rename", {"name": name})
    assert answer.status_code == 422
    assert told in answer.text


def test_renaming_can_be_undone(platform, designer, tenant):
    path = f"~/designs/{tenant.certificate_id}"
    with platform.database.read() as tx:
        before = get_design(tx, tenant.workspace.id, tenant.certificate_id).name
    answer = designer.post(f"{path}/rename", {"name": SCRIPT})
    page = designer.get(path, headers={"Cookie": f"session={designer.person.session}; {answer.headers['set-cookie']}"})
    assert SCRIPT not in page.text
    assert f'name="name" value="{before}"' in page.text


def test_a_version_is_restored(platform, designer, tenant):
    with platform.database.write() as tx:
        first = get_version(tx, tenant.workspace.id, tenant.certificate_id, 1)
        document = parse_document(first.document.replace('"elements":[', '"elements":[', 1), fonts=None)
        other = parse_document(get_version(tx, tenant.workspace.id, tenant.badge_id, 1).document, fonts=None)
        update_design(tx, platform.storage, tenant.workspace.id, tenant.certificate_id, document=other, at=now())
    page = designer.get(f"~/designs/{tenant.certificate_id}")
    assert f"/files/designs/{tenant.workspace.id}/{tenant.certificate_id}/1.webp" in page.text
    answer = designer.post(f"~/designs/{tenant.certificate_id}/versions/1/restore")
    assert answer.status_code == 303
    with platform.database.read() as tx:
        design = get_design(tx, tenant.workspace.id, tenant.certificate_id)
        now_drawn = get_version(tx, tenant.workspace.id, design.id, design.version).document
    assert design.version == 3
    assert parse_document(now_drawn, fonts=None) == document
    for number in ("0", "99", "x", "9" * 30, "-1"):
        answer = designer.post(f"~/designs/{tenant.certificate_id}/versions/{number}/restore")
        assert answer.status_code == 404, number


def test_a_design_in_use_is_not_deleted(platform, designer, api, tenant):
    for name in ("First", "Second", "Third", "Fourth"):
        api("POST", "/groups", {"name": name, "designIds": [tenant.certificate_id]}, status=201)
    page = designer.get(f"~/designs/{tenant.certificate_id}")
    assert "It cannot be deleted while these credential templates show it" in page.text
    answer = designer.post(f"~/designs/{tenant.certificate_id}/delete")
    cookies = {"Cookie": f"session={designer.person.session}; {answer.headers['set-cookie']}"}
    told = designer.get(answer.headers["location"], headers=cookies).text
    assert "The credential templates &#34;First&#34;, &#34;Second&#34;, &#34;Third&#34; and others show" in told
    assert designer.post(f"~/designs/{tenant.badge_id}/delete").headers["location"] == "/w/meridian/designs"
    assert len(names(platform, tenant)) == 1


def test_a_copy_of_a_long_name_fits(platform, designer, tenant):
    rename(platform, tenant, tenant.badge_id, "x" * NAME_LENGTH_MAX)
    assert designer.post(f"~/designs/{tenant.badge_id}/duplicate").status_code == 303


def test_names_are_tried_on_a_design(designer, tenant, other_tenant):
    path = f"~/designs/{tenant.certificate_id}/versions/1"
    pictures = {sample: designer.get(f"{path}/{sample}.webp") for sample in ("short", "long", "right_to_left")}
    assert {answer.headers["content-type"] for answer in pictures.values()} == {"image/webp"}
    assert len({answer.content for answer in pictures.values()}) == 3
    named = designer.get(f"{path}/short.webp?name=Underwater Basket Weaving&language=ar&expiry=2 years")
    assert named.content != pictures["short"].content
    for odd in ("language=%00", "expiry=x years", "expiry=0 days", "expiry=5 aeons", "name=" + "x" * 3000):
        assert designer.get(f"{path}/short.webp?name=a&{odd}").status_code == 200, odd
    assert designer.get(f"{path}/middling.webp").status_code == 404
    assert designer.get(f"~/designs/{tenant.certificate_id}/versions/2/short.webp").status_code == 404
    assert designer.get(f"~/designs/{other_tenant.certificate_id}/versions/1/short.webp").status_code == 404


def test_designs_of_another_workspace_do_not_exist(platform, designer, other_tenant):
    path = f"~/designs/{other_tenant.certificate_id}"
    for screen in ("", "/export"):
        assert designer.get(path + screen).status_code == 404
    for action in ("rename", "duplicate", "delete", "versions/1/restore"):
        assert designer.post(f"{path}/{action}", {"name": "Mine"}).status_code == 404, action
    assert "Mine" not in names(platform, other_tenant)


def test_a_viewer_is_shown_no_buttons_that_change(person, staff, tenant):
    viewer = staff(person(tenant, "viewer"))
    for path in ("~/designs", "~/designs/gallery", f"~/designs/{tenant.certificate_id}"):
        page = viewer.get(path).text
        # Signing out is all that it can send.
        assert re.findall(r'method="post" action="([^"]+)"', page) == ["/sign-out"], path
