"""The gallery over the API: listed with pictures, and added to the workspace that asks."""

import io

import pytest
from PIL import Image

from testamur.designs.starters import GALLERY


@pytest.fixture
def listed(api):
    return {design["name"]: design for design in api("GET", "/gallery")}


def path_of(design):
    return design["previewUrl"].removeprefix("http://testserver")


def test_the_gallery_is_listed(listed):
    assert tuple(listed) == GALLERY
    for design in listed.values():
        assert sorted(design) == ["name", "previewUrl", "title", "type"]
        assert design["type"] in {"certificate", "badge"}


def test_a_preview_is_drawn_when_first_asked_for_and_never_changes(client, platform, listed):
    path = path_of(listed["hexagon-badge"])
    answer = client.get(f"{path}?width=200")
    picture = Image.open(io.BytesIO(answer.content))
    assert (answer.headers["content-type"], picture.size) == ("image/png", (200, 200))
    assert picture.getpixel((0, 0))[3] == 0
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    drawn = platform.renderers.pool.counters()
    assert client.get(f"{path}?width=200").content == answer.content
    assert platform.renderers.pool.counters() == drawn
    assert client.get(f"{path}?width=200", headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    stored = [file for file in platform.settings.data_dir.rglob("hexagon-badge*") if file.is_file()]
    assert [file.read_bytes() for file in stored] == [answer.content]


def test_only_what_there_is_has_a_picture(client, listed):
    path = path_of(listed["hexagon-badge"])
    digest = path.split("/")[3]
    wrong = [
        path.replace(digest, "0" * len(digest)),
        path.replace("hexagon-badge", "nothing"),
        path.replace("hexagon-badge", "round-badge"),
        path.replace(".png", ".pdf"),
        path.replace(".png", ".svg"),
    ]
    for address in wrong:
        assert client.get(address).status_code == 404
    assert client.get(f"{path}?width=201").status_code == 400


def test_a_design_is_added_to_the_workspace_that_asks(api, client, tenant, other_tenant):
    added = api("POST", "/gallery/ticket/designs", status=201)
    assert (added["name"], added["type"]) == ("Event ticket", "certificate")
    assert api("GET", f"/designs/{added['id']}") == added
    document = api("GET", f"/designs/{added['id']}/document")["document"]
    assert document["page"] == {"width": 200, "height": 85}
    assert client.get(f"/v1/designs/{added['id']}", headers=other_tenant.headers).status_code == 404
    # One more each time, which may be changed and deleted like any other.
    again = api("POST", "/gallery/ticket/designs", status=201)
    assert again["id"] != added["id"]
    api("DELETE", f"/designs/{again['id']}", status=204)
    error = api("POST", "/gallery/nothing/designs", status=404)["error"]
    assert "nothing" in error["message"]
    assert "ticket" in error["message"]
