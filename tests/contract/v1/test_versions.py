"""Versions of designs, credentials that follow or are pinned, and corrections."""

import io
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from pypdf import PdfReader
from sqlalchemy import text

from testamur.clock import now
from testamur.credential_templates.queries import get_credential_template
from testamur.credentials.deleting import delete_design
from testamur.credentials.drafting import create_credential
from testamur.credentials.issuing import issue_credential
from testamur.credentials.pins import pin_credentials
from testamur.credentials.updating import update_credential
from testamur.designs.editing import update_design
from testamur.errors import Conflict
from testamur.rendering.document import parse_document
from testamur.worker.schedules import issue_scheduled
from testamur.worker.work import work_off

PAGE = {"width": 100, "height": 60}
TEXT = {"type": "text", "x": 5, "y": 5, "width": 90, "height": 12}


def document(words="[recipient.name]", color="#ffffff"):
    return {"version": 1, "page": PAGE, "background": {"color": color}, "elements": [{**TEXT, "text": words}]}


@pytest.fixture
def design(api):
    body = {
        "name": "Ours",
        "type": "certificate",
        "document": document("[recipient.name], [group.name], [issuer.name]"),
    }
    return api("POST", "/designs", body, status=201)


@pytest.fixture
def pinning(api, design):
    """A group whose credentials are pinned."""
    made = api("POST", "/groups", {"name": "Financial Markets", "designIds": [design["id"]]}, status=201)
    assert api("PATCH", f"/groups/{made['id']}/settings", {"designPolicy": "pinned"})["designPolicy"] == "pinned"
    return made


def issue(api, group, name="Ada Lovelace", **more):
    draft = api("POST", "/credentials", {"groupId": group["id"], "recipient": {"name": name}, **more}, status=201)
    return api("POST", f"/credentials/{draft['id']}/issue")


def previews(api, credential):
    return [
        preview["url"]
        for item in api("GET", f"/credentials/{credential['id']}/designs")
        for preview in item["previews"]
    ]


def texts(client, urls):
    (pdf,) = [url for url in urls if url.endswith(".pdf")]
    return PdfReader(io.BytesIO(client.get(pdf).content)).pages[0].extract_text()


def rows(platform, table):
    with platform.database.read() as tx:
        return tx.execute(text(f"SELECT * FROM {table}")).mappings().all()


def rename_issuer(platform, tenant, name):
    with platform.database.write() as tx:
        tx.execute(text("UPDATE workspaces SET name = :n WHERE id = :i"), {"n": name, "i": tenant.workspace.id})


def test_versions_of_a_design_are_listed_shown_and_restored(api, client, design):
    path = f"/designs/{design['id']}"
    first_picture = client.get(design["previewUrl"]).content
    for color in ("#112233", "#445566"):
        api("PATCH", path, {"document": document(color=color)})
    assert api("PATCH", path, {"document": document(color="#445566")}) == api("GET", path)
    listed = api("GET", f"{path}/versions")
    assert [item["number"] for item in listed["data"]] == [3, 2, 1]
    assert [item["isCurrent"] for item in listed["data"]] == [True, False, False]
    assert all(sorted(item) == ["createdAt", "isCurrent", "number", "previewUrl"] for item in listed["data"])
    assert listed["data"][2]["previewUrl"] == design["previewUrl"]
    assert client.get(design["previewUrl"]).content == first_picture
    pictures = {client.get(item["previewUrl"]).content for item in listed["data"]}
    assert len(pictures) == 3
    assert client.get(design["previewUrl"].replace("/1.png", "/4.png")).status_code == 404
    assert client.get(design["previewUrl"].replace("/1.png", f"/{10**30}.png")).status_code == 404

    second = api("GET", f"{path}/versions/2")
    assert second == {**listed["data"][1], "document": second["document"]}
    assert second["document"]["background"] == {"color": "#112233"}
    restored = api("POST", f"{path}/versions/2/restore")
    assert restored["previewUrl"].endswith("/4.png")
    assert api("GET", f"{path}/document") == {"version": 4, "document": second["document"]}
    assert api("POST", f"{path}/versions/4/restore") == restored
    assert len(api("GET", f"{path}/versions")["data"]) == 4
    for number in ("0", "5", "-1", "x", "1e3", "9" * 30, "٣"):
        api("GET", f"{path}/versions/{number}", status=404)
        api("POST", f"{path}/versions/{number}/restore", status=404)


def test_a_list_of_versions_is_walked_there_and_back(api, design, tenant):
    path = f"/designs/{design['id']}"
    for number in range(11):
        api("PATCH", path, {"document": document(color=f"#0000{number:02}")})
    numbers, cursor, pages = [], None, []
    while not pages or cursor:
        pages.append(api("GET", f"{path}/versions", params={"limit": 5, **({"cursor": cursor} if cursor else {})}))
        numbers += [item["number"] for item in pages[-1]["data"]]
        cursor = pages[-1]["pagination"]["next"]
    assert numbers == list(range(12, 0, -1))
    back = api("GET", f"{path}/versions", params={"limit": 5, "cursor": pages[-1]["pagination"]["prev"]})
    assert back["data"] == pages[1]["data"]
    # A cursor of another design's list, and one with a number that no database can hold.
    other = {"limit": 5, "cursor": pages[1]["pagination"]["next"]}
    api("GET", f"/designs/{tenant.badge_id}/versions", status=400, params=other)
    forged = _forged(f"design-versions:{design['id']}:{tenant.workspace.id}", 10**30, design["id"])
    api("GET", f"{path}/versions", status=400, params={"cursor": forged})


def _forged(list_name, number, design_id):
    from base64 import urlsafe_b64encode

    import msgspec

    return urlsafe_b64encode(msgspec.json.encode([list_name, "next", str(number), design_id])).decode().rstrip("=")


def test_who_drew_on_an_older_version_is_told(api, design):
    path = f"/designs/{design['id']}"
    changed = api("PATCH", path, {"document": document(color="#111111"), "ifVersion": 1})
    error = api("PATCH", path, {"document": document(color="#222222"), "ifVersion": 1}, status=409)["error"]
    assert error["code"] == "conflict"
    assert "version 2, not 1" in error["message"]
    api("PATCH", path, {"name": "Mine", "ifVersion": 1}, status=409)
    assert api("GET", path) == changed
    api("PATCH", path, {"name": "Mine", "ifVersion": 2})
    for wrong in (0, "2", 1.5):
        details = api("PATCH", path, {"name": "x", "ifVersion": wrong}, status=400)["error"]["details"]
        assert details[0]["path"] == ["ifVersion"]


def test_of_drawings_at_once_none_is_lost(platform, tenant, api, design):
    def draw(number):
        drawn = parse_document(msgspec_json(document(color=f"#0000{number:02}")))
        with platform.database.write() as tx:
            return update_design(
                tx, platform.storage, tenant.workspace.id, design["id"], document=drawn, at=now()
            ).version

    with ThreadPoolExecutor(6) as threads:
        assert sorted(threads.map(draw, range(6))) == [2, 3, 4, 5, 6, 7]
    listed = api("GET", f"/designs/{design['id']}/versions")["data"]
    colors = {
        api("GET", f"/designs/{design['id']}/versions/{item['number']}")["document"]["background"]["color"]
        for item in listed[:6]
    }
    assert colors == {f"#0000{number:02}" for number in range(6)}

    def draw_if_first(number):
        drawn = parse_document(msgspec_json(document(color=f"#ff00{number:02}")))
        try:
            with platform.database.write() as tx:
                update_design(
                    tx, platform.storage, tenant.workspace.id, design["id"], document=drawn, if_version=7, at=now()
                )
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(draw_if_first, range(4))) == 1


def msgspec_json(value):
    import msgspec

    return msgspec.json.encode(value)


def test_a_pinned_credential_stays_what_it_was(api, client, platform, tenant, design, pinning):
    issued = issue(api, pinning)
    urls = previews(api, issued)
    contents = [client.get(url).content for url in urls]
    assert "Ada Lovelace, Financial Markets, Meridian Institute" in texts(client, urls)

    api("PATCH", f"/designs/{design['id']}", {"name": "Other", "document": document("Another design")})
    api("PATCH", f"/groups/{pinning['id']}", {"name": "Renamed", "designIds": [tenant.badge_id]})
    rename_issuer(platform, tenant, "Bought Up")
    assert previews(api, issued) == urls
    assert [client.get(url).content for url in urls] == contents
    platform.storage.delete_all(f"credentials/{tenant.workspace.id}/{issued['id']}")
    assert [client.get(url).content for url in urls] == contents
    page = client.get(f"/credentials/{issued['publicId']}").text
    assert urls[0] in page
    assert "Financial Markets" in page
    assert "Meridian Institute" in page
    for changed in ("Renamed", "Bought Up", "Corrected"):
        assert changed not in page

    # What is issued now is bound to what is there now; and nothing that is done to the setting loosens a pin.
    newer = issue(api, pinning, "Bob")
    assert [item["id"] for item in api("GET", f"/credentials/{newer['id']}/designs")] == [tenant.badge_id]
    api("PATCH", f"/groups/{pinning['id']}/settings", {"designPolicy": "follow"})
    assert previews(api, issued) == urls


def test_a_pinned_credential_is_first_rendered_as_it_was_issued(api, client, platform, tenant, design, pinning):
    issued = issue(api, pinning)
    twin = issue(api, pinning)
    rename_issuer(platform, tenant, "Bought Up")
    api("PATCH", f"/designs/{design['id']}", {"document": document("Another design")})
    api("PATCH", f"/groups/{pinning['id']}", {"name": "Renamed"})
    for credential in (issued, twin):
        assert "Ada Lovelace, Financial Markets, Meridian Institute" in texts(client, previews(api, credential))


def test_what_was_issued_before_follows_for_ever(api, client, design):
    group = api("POST", "/groups", {"name": "Financial Markets", "designIds": [design["id"]]}, status=201)
    assert api("GET", f"/groups/{group['id']}/settings")["designPolicy"] == "follow"
    issued = issue(api, group)
    before = previews(api, issued)
    api("PATCH", f"/groups/{group['id']}/settings", {"designPolicy": "pinned"})
    draft = api("POST", "/credentials", {"groupId": group["id"], "recipient": {"name": "Draft"}}, status=201)
    api("PATCH", f"/designs/{design['id']}", {"document": document("Another design")})
    after = previews(api, issued)
    assert after != before
    assert "Another design" in texts(client, after)
    assert "Another design" in texts(client, previews(api, draft))
    wrong = api("PATCH", f"/groups/{group['id']}/settings", {"designPolicy": "nailed"}, status=400)
    assert wrong["error"]["details"][0]["path"] == ["designPolicy"]


def test_every_way_of_issuing_pins(api, client, platform, tenant, pinning):
    mail = {"groupId": pinning["id"], "recipient": {"name": "Ada", "email": "ada@example.com"}}
    by_name = {
        "one": issue(api, pinning, customAttributes={"custom.mentor": "Jane"}, issueDate="2026-01-02"),
        "all": api("POST", "/credentials/create-issue-send", mail, status=201),
    }
    items = [{"groupId": pinning["id"], "recipient": {"name": f"Bulk {number}"}} for number in range(2)]
    results = api("POST", "/credentials/bulk", {"items": items, "action": "issue"})["results"]
    by_name |= {f"bulk {result['index']}": result["credential"] for result in results}
    late = api("POST", "/credentials", {"groupId": pinning["id"], "recipient": {"name": "Late"}}, status=201)
    moment = now() + timedelta(hours=1)
    api("POST", f"/credentials/{late['id']}/schedule", {"issueAt": moment.isoformat()})
    draft = api("POST", "/credentials", {"groupId": pinning["id"], "recipient": {"name": "Draft"}}, status=201)
    # More rows than are inserted one by one.
    sheet = "name,email\n" + "".join(f"Row {number},row{number}@example.com\n" for number in range(30))
    api("POST", f"/imports?groupId={pinning['id']}&start=true", status=201, content=sheet.encode())
    work_off(platform)
    issue_scheduled(platform, moment)
    everyone = [item for item in api("GET", "/credentials?limit=100")["data"] if item["id"] != draft["id"]]
    assert len(everyone) == 35
    assert {item["status"] for item in everyone} == {"issued"}
    pins = {row["credential_id"]: row for row in rows(platform, "credential_pins")}
    assert set(pins) == {item["id"] for item in everyone}
    assert {row["workspace_id"] for row in pins.values()} == {tenant.workspace.id}
    for item in everyone:
        assert item["publicId"] in pins[item["id"]]["values"]
        assert item["recipient"]["name"] in pins[item["id"]]["title"]
    one = pins[by_name["one"]["id"]]
    assert one["title"] == "Financial Markets - Ada Lovelace"
    assert '{"date":"2026-01-02"}' in one["values"]
    assert '"custom.mentor":"Jane"' in one["values"]
    url = f'"http://testserver/credentials/{by_name["one"]["publicId"]}"'
    assert url in one["values"]


def test_nothing_is_pinned_unless_the_template_pins(api, platform, group):
    issue(api, group)
    sheet = "name\n" + "Ada\n" * 3
    api("POST", f"/imports?groupId={group['id']}&start=true&duplicates=allow", status=201, content=sheet.encode())
    work_off(platform)
    assert len(api("GET", "/credentials")["data"]) == 4
    assert rows(platform, "credential_pins") == []


def test_a_design_that_a_credential_keeps_is_not_deleted(api, design, tenant, pinning):
    issued = issue(api, pinning)
    api("PATCH", f"/groups/{pinning['id']}", {"designIds": [tenant.badge_id]})
    message = api("DELETE", f"/designs/{design['id']}", status=409)["error"]["message"]
    assert "issued with" in message
    api("DELETE", f"/credentials/{issued['id']}", status=204)
    api("DELETE", f"/designs/{design['id']}", status=204)
    api("GET", f"/designs/{design['id']}/versions", status=404)


def test_a_design_is_deleted_or_pinned_and_never_both(api, platform, tenant, design, pinning):
    """Whichever comes first: a pin never names a design that is gone."""
    draft = api("POST", "/credentials", {"groupId": pinning["id"], "recipient": {"name": "Ada"}}, status=201)
    with platform.database.read() as tx:
        template = get_credential_template(tx, tenant.workspace.id, pinning["id"])
    api("PATCH", f"/groups/{pinning['id']}", {"designIds": [tenant.badge_id]})

    def delete():
        with platform.database.write() as tx:
            delete_design(tx, tenant.workspace.id, design["id"])

    with ThreadPoolExecutor(1) as threads:
        with platform.database.write() as tx:
            credential = create_credential(
                tx, tenant.workspace, credential_template_id=pinning["id"], recipient_name="Bob", at=now()
            )
            pin_credentials(tx, tenant.workspace, template, [credential], base_url="", at=now())
            deleting = threads.submit(delete)
            time.sleep(0.3)
        with pytest.raises(Conflict, match="keep it"):
            deleting.result(timeout=30)
    api("DELETE", f"/credentials/{credential.id}", status=204)
    delete()
    with pytest.raises(Conflict, match="try again"), platform.database.write() as tx:
        pin_credentials(tx, tenant.workspace, template, [credential], base_url="", at=now())
    with platform.database.write() as tx:
        issue_credential(tx, tenant.workspace, draft["id"], signers=platform.signers, at=now())


def test_a_correction_tells_what_it_supersedes(api, client, platform, group):
    draft = api("POST", "/credentials", {"groupId": group["id"], "recipient": {"name": "Draft"}}, status=201)
    path = f"/credentials/{draft['id']}"
    api("PATCH", path, {"recipient": {"name": "Jon Doe"}})
    assert api("GET", f"{path}/versions") == [
        {"number": 1, "supersedes": None, "changed": [], "createdAt": draft["createdAt"]}
    ]
    assert rows(platform, "credential_versions") == []
    issued = api("POST", f"{path}/issue")
    first = api("GET", f"{path}/versions")
    assert [item["number"] for item in first] == [1]
    urls = previews(api, issued)
    contents = [client.get(url).content for url in urls]
    assert "Corrected" not in client.get(f"/credentials/{draft['publicId']}").text

    corrected = api("PATCH", path, {"recipient": {"name": "John Doe"}, "expiryDate": "2999-01-01"})
    assert sorted(corrected) == sorted(draft)
    assert api("PATCH", path, {"recipient": {"name": "John Doe"}}) == corrected
    again = api("PATCH", path, {"customAttributes": {"custom.mentor": "Jane"}, "recipient": {"email": "j@example.com"}})
    versions = api("GET", f"{path}/versions")
    assert [(item["number"], item["supersedes"], item["changed"]) for item in versions] == [
        (3, 2, ["recipient.email", "custom.mentor"]),
        (2, 1, ["recipient.name", "expiryDate"]),
        (1, None, []),
    ]
    assert [item["createdAt"] for item in versions] == [
        again["updatedAt"],
        corrected["updatedAt"],
        issued["updatedAt"],
    ]
    stored = rows(platform, "credential_versions")
    assert [(row["number"], row["recipient_name"], row["expiry_date"] is None) for row in stored] == [
        (1, "Jon Doe", True),
        (2, "John Doe", False),
    ]
    now_urls = previews(api, issued)
    assert now_urls != urls
    assert "John Doe" in texts(client, now_urls)
    assert [client.get(url).content for url in urls] == contents
    page = client.get(f"/credentials/{draft['publicId']}").text
    assert "Corrected on" in page
    assert "(version 3)" in page


def test_a_correction_of_a_pinned_credential_changes_what_is_its_own(api, client, platform, tenant, design, pinning):
    issued = issue(api, pinning, "Ada Lovlace", customAttributes={"custom.mentor": "Jane"})
    urls = previews(api, issued)
    contents = [client.get(url).content for url in urls]
    api("PATCH", f"/designs/{design['id']}", {"document": document("Another design")})
    api("PATCH", f"/groups/{pinning['id']}", {"name": "Renamed"})
    rename_issuer(platform, tenant, "Bought Up")
    change = {"recipient": {"name": "Ada Lovelace"}, "customAttributes": {"custom.mentor": None}}
    api("PATCH", f"/credentials/{issued['id']}", {**change, "expiryDate": "2999-12-31"})
    corrected = previews(api, issued)
    assert set(corrected).isdisjoint(urls)
    assert "Ada Lovelace, Financial Markets, Meridian Institute" in texts(client, corrected)
    assert [client.get(url).content for url in urls] == contents
    (pin,) = rows(platform, "credential_pins")
    assert '{"date":"2999-12-31"}' in pin["values"]
    assert "custom.mentor" not in pin["values"]
    assert "testserver" in pin["values"]
    assert pin["title"] == "Financial Markets - Ada Lovelace"
    api("PATCH", f"/credentials/{issued['id']}", {"recipient": {"name": "Ada Lovlace"}})
    assert previews(api, issued) == urls


def test_corrections_at_once_are_all_kept(platform, tenant, api, group):
    issued = issue(api, group, "Name 0")

    def correct(number):
        with platform.database.write() as tx:
            return update_credential(
                tx, tenant.workspace, issued["id"], recipient_name=f"Name {number}", signers=platform.signers, at=now()
            ).version

    with ThreadPoolExecutor(5) as threads:
        assert sorted(threads.map(correct, range(1, 6))) == [2, 3, 4, 5, 6]
    names = {row["recipient_name"] for row in rows(platform, "credential_versions")}
    names.add(api("GET", f"/credentials/{issued['id']}")["recipient"]["name"])
    assert names == {f"Name {number}" for number in range(6)}


def test_nothing_of_a_deleted_credential_is_kept(api, client, platform, pinning):
    issued = issue(api, pinning, "Erased Person")
    kept = issue(api, pinning, "Somebody Else")
    for credential in (issued, kept):
        api("PATCH", f"/credentials/{credential['id']}", {"issueDate": "2026-01-01"})
        previews(api, credential)
    api("DELETE", f"/credentials/{issued['id']}", status=204)
    api("GET", f"/credentials/{issued['id']}/versions", status=404)
    for table in ("credential_versions", "credential_pins", "renderings"):
        left = rows(platform, table)
        assert left
        assert {row["credential_id"] for row in left} == {kept["id"]}
        assert "Erased" not in str(left)
