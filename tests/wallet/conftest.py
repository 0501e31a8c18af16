import pytest


@pytest.fixture
def credential(api, group):
    body = {"groupId": group["id"], "recipient": {"name": "Ada Lovelace", "email": "ada@example.com"}}
    return api("POST", "/credentials", body, status=201)


@pytest.fixture
def path(api, credential):
    """The address of the credential's picture, without its ending."""
    (design,) = api("GET", f"/credentials/{credential['id']}/designs")
    return design["previews"][0]["url"].removeprefix("http://testserver").removesuffix(".png")
