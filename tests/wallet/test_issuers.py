"""Issuers as verifiers see them: DID documents, keys and profiles, also under old names, and no one else's."""

from datetime import UTC, datetime

import pytest

from testamur.openbadges.dids import web_did_address
from testamur.openbadges.public_keys import from_jwk, from_multikey, jwk_thumbprint
from testamur.signing_keys.compromising import mark_compromised
from testamur.signing_keys.creating import active_key, add_keys
from testamur.signing_keys.queries import list_keys
from testamur.signing_keys.rotating import rotate_key
from testamur.workspaces.editing import update_workspace
from testamur.workspaces.issuer_identities import issuer_did

AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def act(platform, tenant):
    def run(work, *arguments, workspace=tenant.workspace, at=AT, **options):
        with platform.database.write() as tx:
            return work(tx, workspace, *arguments, master_key=platform.master_key, at=at, **options)

    return run


@pytest.fixture
def keys(act, platform, tenant, other_tenant):
    """The tenant's keys; another tenant has some too."""
    act(add_keys)
    act(add_keys, workspace=other_tenant.workspace)
    with platform.database.read() as tx:
        return {key.algorithm: key for key in list_keys(tx, tenant.workspace.id)}


def get_json(client, path, **headers):
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def key_ids(document):
    assert [method["id"] for method in document["verificationMethod"]] == document["assertionMethod"]
    return [method_id.partition("#")[2] for method_id in document["assertionMethod"]]


def test_a_did_document_holds_the_keys_under_the_did_that_leads_to_it(client, keys, platform):
    answer = client.get("/i/meridian/did.json")
    did = answer.json()["id"]
    assert did == "did:web:testserver:i:meridian"
    assert web_did_address(did, "http") == str(answer.url)
    assert sorted(key_ids(answer.json())) == sorted(key.id for key in keys.values())
    by_type = {method["type"]: method for method in answer.json()["verificationMethod"]}
    assert from_multikey(by_type["Multikey"]["publicKeyMultibase"]) == from_jwk(keys["Ed25519"].public_key)
    assert by_type["JsonWebKey"]["publicKeyJwk"] == {**keys["RS256"].public_key, "kid": keys["RS256"].id}
    assert {method["controller"] for method in by_type.values()} == {did}
    assert answer.headers["content-type"] == "application/did+json"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "public, max-age=3600"
    assert answer.headers["vary"] == "Accept"


def test_a_did_document_is_json_for_who_asks_and_known_by_its_etag(client, keys):
    as_json = client.get("/i/meridian/did.json", headers={"Accept": "application/json"})
    assert as_json.headers["content-type"] == "application/json"
    plain = client.get("/i/meridian/did.json")
    assert plain.json() == as_json.json()
    assert plain.headers["etag"] != as_json.headers["etag"]
    known = client.get("/i/meridian/did.json", headers={"If-None-Match": plain.headers["etag"]})
    assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", plain.headers["etag"])
    assert known.headers["access-control-allow-origin"] == "*"
    head = client.head("/i/meridian/did.json")
    assert (head.status_code, head.headers["etag"]) == (200, plain.headers["etag"])


def test_a_document_without_a_first_key_is_not_kept_because_that_key_will_sign_at_once(client, act, tenant):
    empty = client.get("/i/meridian/did.json")
    assert (key_ids(empty.json()), empty.headers["cache-control"]) == ([], "no-cache")
    act(active_key, "Ed25519")
    assert client.get("/i/meridian/did.json").headers["cache-control"] == "no-cache"
    act(active_key, "RS256")
    assert client.get("/i/meridian/did.json").headers["cache-control"] == "public, max-age=3600"


def test_retired_and_coming_keys_are_published_and_compromised_ones_are_not(client, act, keys):
    old = keys["Ed25519"]
    new = act(rotate_key, "Ed25519")
    assert {old.id, new.id} < set(key_ids(get_json(client, "/i/meridian/did.json")))
    assert act(active_key, "Ed25519", at=new.active_from) == new
    assert {old.id, new.id} < set(key_ids(get_json(client, "/i/meridian/did.json")))
    act(mark_compromised, old.id, sign_anew=lambda *_: 0, at=new.active_from)
    document = client.get("/i/meridian/did.json")
    assert old.id not in document.text
    assert new.id in key_ids(document.json())
    assert client.get(f"/i/meridian/keys/{old.id}").status_code == 404


def test_a_key_is_served_by_itself(client, keys):
    for key in keys.values():
        answer = client.get(f"/i/meridian/keys/{key.id}")
        assert from_jwk(answer.json()) == from_jwk(key.public_key)
        assert answer.json()["kid"] == key.id
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["cache-control"] == "public, max-age=3600"
    assert client.get(f"/i/meridian/keys/{keys['RS256'].id}").json()["alg"] == "RS256"


def test_the_set_of_keys_names_the_issuer_of_each(client, act, keys, platform, tenant, other_tenant):
    with platform.database.write() as tx:
        for base_url in ("http://testserver", "https://old.example"):
            issuer_did(tx, tenant.workspace, base_url, at=AT)
    answer = client.get("/.well-known/jwks.json")
    listed = {(key["iss"], key["kid"]) for key in answer.json()["keys"]}
    theirs = act(active_key, "RS256", workspace=other_tenant.workspace)
    assert listed == {
        ("did:web:testserver:i:meridian", keys["RS256"].id),
        ("did:web:old.example:i:meridian", keys["RS256"].id),
        ("did:web:testserver:i:rival", theirs.id),
    }
    for key in answer.json()["keys"]:
        assert (key["alg"], key["use"], key["kid"]) == ("RS256", "sig", jwk_thumbprint(from_jwk(key)))
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "public, max-age=300"
    act(mark_compromised, theirs.id, sign_anew=lambda *_: 0, workspace=other_tenant.workspace)
    assert theirs.id not in client.get("/.well-known/jwks.json").text


def test_old_slugs_and_hosts_go_on_answering_with_the_did_that_was_signed_under(client, keys, platform, tenant):
    with platform.database.write() as tx:
        old = issuer_did(tx, tenant.workspace, "https://old.example", at=AT)
        update_workspace(tx, tenant.workspace.id, slug="college", at=AT)
    at_old = client.get("/i/meridian/did.json", headers={"Host": "old.example"}, follow_redirects=False)
    assert (at_old.status_code, at_old.json()["id"]) == (200, old)
    assert all(method["controller"] == old for method in at_old.json()["verificationMethod"])
    for slug, host, did in (
        ("meridian", "testserver", "did:web:testserver:i:meridian"),
        ("college", "testserver", "did:web:testserver:i:college"),
        ("college", "elsewhere.example", "did:web:testserver:i:college"),
    ):
        document = get_json(client, f"/i/{slug}/did.json", Host=host)
        assert document["id"] == did
        assert key_ids(document) == key_ids(at_old.json())


def test_an_issuer_is_a_profile_for_programs_and_a_page_for_people(client, platform, tenant):
    with platform.database.write() as tx:
        update_workspace(
            tx,
            tenant.workspace.id,
            name="Meridian <b>College</b>",
            website_url="https://meridian.example",
            support_email="ask@meridian.example",
            description="By the sea.",
            logo_url="https://meridian.example/logo.png",
            at=AT,
        )
    for media_type in ("application/json", "application/ld+json"):
        answer = client.get("/i/meridian", headers={"Accept": media_type})
        assert answer.headers["content-type"] == media_type
        assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.json() == {
        "@context": [
            "https://www.w3.org/ns/credentials/v2",
            "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json",
        ],
        "id": "did:web:testserver:i:meridian",
        "type": ["Profile"],
        "name": "Meridian <b>College</b>",
        "url": "https://meridian.example",
        "email": "ask@meridian.example",
        "description": "By the sea.",
        "image": {"id": "https://meridian.example/logo.png", "type": "Image"},
    }
    shown = client.get("/i/meridian", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert shown.headers["content-type"] == "text/html; charset=utf-8"
    assert "Meridian &lt;b&gt;College&lt;/b&gt;" in shown.text
    for text in ("By the sea.", 'href="https://meridian.example"', "did:web:testserver:i:meridian"):
        assert text in shown.text
    assert shown.headers["vary"] == "Accept, Accept-Encoding, Accept-Language, Cookie"
    assert client.head("/i/meridian").status_code == 200


def test_what_is_not_there_is_not_found_and_tells_nothing(client, act, keys, other_tenant):
    theirs = act(active_key, "RS256", workspace=other_tenant.workspace)
    nobody = client.get("/i/nobody/did.json")
    for path in (
        "/i/nobody",
        "/i/nobody/did.json",
        "/i/MERIDIAN/did.json",
        "/i/a%00b/did.json",
        "/i/%2e%2e/did.json",
        f"/i/{'x' * 5000}",
        "/i/meridian/keys/none",
        "/i/meridian/keys/a%00b",
        f"/i/meridian/keys/{'x' * 5000}",
        f"/i/meridian/keys/{theirs.id}",
        f"/i/nobody/keys/{keys['RS256'].id}",
    ):
        answer = client.get(path)
        assert answer.status_code == 404, path
        assert len(answer.text) == len(nobody.text)
        assert "rival" not in answer.text.lower()
    assert theirs.id not in client.get("/i/meridian/did.json").text
    assert client.post("/i/meridian/did.json").status_code == 405
