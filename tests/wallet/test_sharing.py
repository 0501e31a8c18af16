import json
import re
from datetime import date
from urllib.parse import parse_qs, urlsplit

import pytest

from testamur.wallet.sharing import Shared, linkedin_url, share_links, structured_data

NASTY = 'Zoë </script><script>alert("1")</script> & <b>'
SHARED = Shared(
    name="Financial Markets",
    description="A course",
    recipient_name="Zoë Ng",
    issuer_name="Meridian & Sons",
    issuer_url="https://meridian.example",
    issue_date=date(2026, 1, 31),
    expiry_date=date(2027, 12, 1),
    public_id="124a8110-1af5-4747-9308-e9d06bd1852a",
    public_url="https://a.example/credentials/124a8110-1af5-4747-9308-e9d06bd1852a",
    image_url="https://a.example/1.png",
    category="certificate",
)


def query(url):
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def test_linkedin_gets_months_that_count_from_one():
    fields = query(linkedin_url(SHARED))
    assert (fields["issueYear"], fields["issueMonth"]) == ("2026", "1")
    assert (fields["expirationYear"], fields["expirationMonth"]) == ("2027", "12")
    assert fields["organizationName"] == "Meridian & Sons"
    assert fields["certUrl"] == SHARED.public_url


def test_every_share_link_leads_to_the_page():
    for name, url in share_links(SHARED).items():
        assert SHARED.public_url in "".join(query(url).values()), name
    assert "+" not in share_links(SHARED)["Email"]


@pytest.fixture
def issued(api, tenant):
    group = api("POST", "/groups", {"name": NASTY, "designIds": [tenant.badge_id, tenant.certificate_id]}, status=201)
    draft = {"groupId": group["id"], "recipient": {"name": NASTY}, "issueDate": "2026-11-20"}
    return api("POST", f"/credentials/{api('POST', '/credentials', draft, status=201)['id']}/issue")


def test_search_engines_are_told_what_it_is_and_nothing_that_people_wrote_is_markup(client, issued):
    page = client.get(f"/credentials/{issued['publicId']}").text
    assert "<script>alert" not in page
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)[1]
    told = json.loads(found)
    assert told["name"] == told["hasCredential"]["name"] == NASTY
    assert told["hasCredential"]["@type"] == "EducationalOccupationalCredential"
    assert json.loads(structured_data(SHARED))["hasCredential"]["expires"] == "2027-12-01"


def test_the_page_leads_to_what_programs_read(client, issued):
    page = client.get(f"/credentials/{issued['publicId']}").text
    for ending in (".json", ".jwt", ".png", ".svg"):
        assert f"/credentials/{issued['publicId']}{ending}" in page
    address = re.search(r'type="application/json\+oembed" href="([^"]+)"', page)[1].replace("&amp;", "&")
    embedded = client.get(address.removeprefix("http://testserver")).json()
    assert (embedded["version"], embedded["type"], embedded["width"]) == ("1.0", "photo", 1600)
    assert client.get(embedded["url"].removeprefix("http://testserver")).status_code == 200


def test_an_embedded_picture_fits_where_it_is_wanted(client, issued):
    url = f"/oembed?url=http://testserver/credentials/{issued['publicId']}"
    small = client.get(f"{url}&maxwidth=500").json()
    assert small["width"] == 400
    assert small["height"] == round(client.get(url).json()["height"] * 400 / 1600)
    assert client.get(small["url"].removeprefix("http://testserver")).status_code == 200
    assert client.get(f"{url}&maxwidth=x").status_code == 400
    assert client.get(f"{url}&format=xml").status_code == 400
    assert client.get("/oembed?url=https://elsewhere.example/").status_code == 404


def test_a_page_is_found_by_search_engines_only_if_the_workspace_wants_it(api, client, issued, platform, tenant):
    from testamur.clock import now
    from testamur.workspaces.editing import update_workspace

    path = f"/credentials/{issued['publicId']}"
    assert client.get(path).headers["x-robots-tag"] == "noindex"
    with platform.database.write() as tx:
        update_workspace(tx, tenant.workspace.id, is_indexed=True, at=now())
    answer = client.get(path)
    assert "x-robots-tag" not in answer.headers
    assert 'content="noindex"' not in answer.text
