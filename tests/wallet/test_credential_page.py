"""A page is made of few statements, and shows what has changed at once, whichever process serves it."""

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine
from starlette.testclient import TestClient

from testamur.app import create_app
from testamur.clock import now
from testamur.credentials.queries import get_public_credential
from testamur.credentials.renderings import current_renderings
from testamur.web.platform import open_platform
from testamur.workspaces.editing import update_workspace


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that are sent to the database meanwhile."""
    sent: list[str] = []

    def keep(_connection, _cursor, statement, *_rest):
        sent.append(statement)

    event.listen(Engine, "before_cursor_execute", keep)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", keep)


@pytest.fixture
def elsewhere(platform):
    """Another server process, as it were: nothing is shared with the first one but the database and the files."""
    other = open_platform(platform.settings)
    with TestClient(create_app(other), raise_server_exceptions=False) as opened:
        yield opened


def texts(client, path):
    """What the page says, without its markup."""
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


@pytest.mark.parametrize("policy", ["follow", "pinned"])
def test_a_page_asks_the_database_twice(api, client, tenant, policy):
    body = {"name": "Financial Markets", "designIds": [tenant.certificate_id, tenant.badge_id]}
    group = api("POST", "/groups", body, status=201)
    api("PATCH", f"/groups/{group['id']}/settings", {"designPolicy": policy})
    draft = api("POST", "/credentials", {"groupId": group["id"], "recipient": {"name": "Ada"}}, status=201)
    path = f"/credentials/{api('POST', '/credentials/' + draft['id'] + '/issue')['publicId']}"
    client.get(path)
    with counted() as sent:
        assert client.get(path).status_code == 200
    assert len(sent) == 2, sent


def test_the_page_shows_the_pictures_that_the_api_names(platform, tenant, issue, client):
    issued = issue(("badge_id", "certificate_id"), customAttributes={"custom.mentor": "Grace"})
    page = client.get(f"/credentials/{issued['publicId']}").text
    with platform.database.read() as tx:
        credential = get_public_credential(tx, issued["publicId"])
        renderings = current_renderings(tx, tenant.workspace, credential, platform.settings.base_url)
    shown = re.findall(r'<img src="[^"]+/([^/"]+)/([^/".]+)\.png"', page)
    assert shown == [(item.design.id, item.digest) for item in renderings]
    assert [design_id for design_id, _ in shown] == [tenant.badge_id, tenant.certificate_id]


def test_what_changes_is_shown_at_once_by_every_process(api, issue, client, elsewhere, platform, tenant, other_tenant):
    issued = issue(("certificate_id",))
    path = f"/credentials/{issued['publicId']}"
    pages = [client, elsewhere]

    def all_say(*wanted):
        for server in pages:
            page = texts(server, path)
            assert all(words in page for words in wanted), page
            assert "Rival" not in page

    all_say("Meridian Institute", "Financial Markets", "Zoë 🙂", "Issued", "Does not expire")
    with platform.database.write() as tx:
        update_workspace(tx, other_tenant.workspace.id, name="Rival Academy", at=now())
        update_workspace(tx, tenant.workspace.id, name="Meridian Academy", at=now())
    all_say("Meridian Academy")
    api("PATCH", f"/groups/{issued['groupId']}", {"name": "Bond Markets"})
    all_say("Bond Markets")
    api("PATCH", f"/credentials/{issued['id']}", {"recipient": {"name": "Zoë Ericson"}})
    all_say("Zoë Ericson", "version 2")
    api("POST", f"/credentials/{issued['id']}/revoke", {"reason": "By mistake"})
    all_say("Revoked", "By mistake")
    api("POST", f"/credentials/{issued['id']}/unrevoke")
    assert all("By mistake" not in texts(server, path) for server in pages)
    api("DELETE", f"/credentials/{issued['id']}", status=204)
    assert [server.get(path).status_code for server in pages] == [410, 410]
