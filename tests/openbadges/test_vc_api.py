import pytest
from starlette.testclient import TestClient

from tests.openbadges.vc_api import ISSUER, create_vc_api

CREDENTIAL = {
    "@context": ["https://www.w3.org/ns/credentials/v2"],
    "type": ["VerifiableCredential"],
    "issuer": ISSUER,
    "credentialSubject": {"id": "did:example:ada", "name": "Ada"},
}
INLINE = {**CREDENTIAL, "@context": [*CREDENTIAL["@context"], {"grade": "urn:example:grade"}], "grade": "A"}


@pytest.fixture
def client():
    with TestClient(create_vc_api("https://127.0.0.1:1")) as client:
        yield client


def issued(client, credential=CREDENTIAL):
    return client.post("/credentials/issue", json={"credential": credential})


def verified(client, credential):
    return client.post("/credentials/verify", json={"verifiableCredential": credential})


def test_what_is_issued_is_verified_until_it_is_changed(client):
    answer = issued(client)
    assert answer.status_code == 201
    assert verified(client, answer.json()).json() == {"verified": True}
    changed = verified(client, {**answer.json(), "name": "Another"})
    assert changed.status_code == 400
    assert "changed" in changed.json()["errors"][0]


@pytest.mark.parametrize(
    "credential",
    [
        None,
        {},
        {**CREDENTIAL, "@context": []},
        {**CREDENTIAL, "type": []},
        {**CREDENTIAL, "issuer": "nobody"},
        {**CREDENTIAL, "credentialSubject": {}},
        {**CREDENTIAL, "validFrom": "yesterday"},
        {**CREDENTIAL, "evidence": {"id": "https://example.org/"}},
        {**CREDENTIAL, "grade": "A"},
        INLINE,
    ],
)
def test_what_is_no_credential_is_neither_issued_nor_verified(client, credential):
    assert issued(client, credential).status_code == 400
    assert verified(client, credential).status_code == 400


def test_without_guards_a_context_in_the_credential_is_signed_but_not_accepted():
    with TestClient(create_vc_api("https://127.0.0.1:1", is_guarded=False)) as client:
        answer = issued(client, INLINE)
        assert answer.status_code == 201
        assert "a context of its own" in verified(client, answer.json()).json()["errors"][0]
        assert verified(client, issued(client).json()).json() == {"verified": True}
