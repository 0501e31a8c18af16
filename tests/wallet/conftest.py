"""What the tests of the wallet share."""

import pytest

BODY = {"recipient": {"name": "Zoë 🙂", "email": "Zoe@Example.com"}, "issueDate": "2026-11-20"}


@pytest.fixture
def issue(api, tenant):
    def run(designs=("badge_id",), **more):
        ids = [getattr(tenant, name) for name in designs]
        group = api("POST", "/groups", {"name": "Financial Markets", "designIds": ids}, status=201)
        draft = api("POST", "/credentials", {"groupId": group["id"], **BODY, **more}, status=201)
        return api("POST", f"/credentials/{draft['id']}/issue")

    return run


@pytest.fixture
def get(client):
    def run(path, accept="*/*", status=200):
        answer = client.get(path.removeprefix("http://testserver"), headers={"Accept": accept})
        assert answer.status_code == status, answer.text
        return answer

    return run


@pytest.fixture
def credential(api, group):
    body = {"groupId": group["id"], "recipient": {"name": "Ada Lovelace", "email": "ada@example.com"}}
    return api("POST", "/credentials", body, status=201)


@pytest.fixture
def path(api, credential):
    """The address of the credential's picture, without its ending."""
    (design,) = api("GET", f"/credentials/{credential['id']}/designs")
    return design["previews"][0]["url"].removeprefix("http://testserver").removesuffix(".png")
