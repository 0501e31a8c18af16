"""What programs get of a credential over HTTP."""

import io
import json
from datetime import timedelta

import jwt
from databases import on_one_database
from pypdf import PdfReader

from testamur.clock import now
from testamur.openbadges.baking import unbake
from testamur.openbadges.data_integrity import verify_proof
from testamur.openbadges.dids import web_did_address
from testamur.openbadges.documents import identity_hash
from testamur.openbadges.jwt_credentials import read_jwt
from testamur.openbadges.public_keys import from_jwk, from_multikey
from testamur.openbadges.status_lists import is_set
from testamur.workspaces.editing import update_workspace


def verify(document, get):
    """As a verifier would: by the DID document that the server serves."""

    def key_of(method):
        did, _, _ = method.partition("#")
        found = get(web_did_address(did, "http")).json()
        assert method in found["assertionMethod"]
        key = next(item for item in found["verificationMethod"] if item["id"] == method)
        return from_multikey(key["publicKeyMultibase"])

    return verify_proof(document, key_of)


def test_the_address_of_a_credential_serves_each_what_it_accepts(issue, get):
    path = f"/credentials/{issue()['publicId']}"
    page = get(path, "text/html,application/xhtml+xml,*/*;q=0.8")
    assert page.headers["content-type"].startswith("text/html")
    assert "Accept" in page.headers["vary"]
    for accept in ("application/vc+ld+json", "application/vc", "application/ld+json", "application/json"):
        answer = get(path, accept)
        assert answer.headers["content-type"] == accept
        assert answer.headers["access-control-allow-origin"] == "*"
        verify(answer.json(), get)
        assert answer.json()["id"] == f"http://testserver{path}"
    assert get(path, "application/vc+jwt").text.count(".") == 2
    assert get(f"{path}.json").content == get(path, "application/vc").content


def test_a_copy_that_is_up_to_date_is_not_sent_again(client, issue):
    path = f"/credentials/{issue()['publicId']}.json"
    etag = client.get(path).headers["etag"]
    assert client.get(path, headers={"If-None-Match": etag}).status_code == 304


def test_the_jwt_is_the_same_credential_and_is_signed_once(issue, get):
    issued = issue()
    text = get(f"/credentials/{issued['publicId']}.jwt").text
    document = get(f"/credentials/{issued['publicId']}.json").json()

    def key_of(kid, _algorithm):
        found = get(web_did_address(kid.partition("#")[0], "http")).json()
        return from_jwk(next(item for item in found["verificationMethod"] if item["id"] == kid)["publicKeyJwk"])

    document.pop("proof")
    assert read_jwt(text, key_of) == document
    assert set(jwt.get_unverified_header(text)) == {"alg", "kid", "typ"}
    assert get(f"/credentials/{issued['publicId']}.jwt").text == text


@on_one_database
def test_pictures_hold_the_credential_and_the_assertion(issue, get):
    issued = issue()
    path = f"/credentials/{issued['publicId']}"
    signed = get(f"{path}.json").text
    for ending, media_type in (("png", "image/png"), ("svg", "image/svg+xml")):
        answer = get(f"{path}.{ending}")
        assert answer.headers["content-type"] == media_type
        badge = unbake(answer.content)
        assert json.loads(badge.credential) == json.loads(signed)
        assert badge.assertion == f"http://testserver/ob2/meridian/assertions/{issued['publicId']}"


@on_one_database
def test_a_certificate_is_baked_as_png_and_there_is_no_svg_of_it(issue, get):
    path = f"/credentials/{issue(designs=('certificate_id',))['publicId']}"
    assert unbake(get(f"{path}.png").content).credential
    get(f"{path}.svg", status=404)


@on_one_database
def test_the_pdf_for_archives_has_the_signed_credential_attached(issue, get):
    issued = issue(designs=("badge_id", "certificate_id"))
    path = f"/credentials/{issued['publicId']}"
    answer = get(f"{path}.pdf?download")
    assert answer.headers["content-type"] == "application/pdf"
    assert "Financial Markets - Zo" in answer.headers["content-disposition"]
    assert b"<pdfaid:part>3" in answer.content
    (attached,) = PdfReader(io.BytesIO(answer.content)).attachments["credential.json"]
    verify(json.loads(attached), get)
    assert json.loads(attached) == get(f"{path}.json").json()


def test_the_status_list_tells_of_a_revocation(api, issue, get):
    issued = issue()
    status = get(f"/credentials/{issued['publicId']}.json").json()["credentialStatus"]
    index, address = int(status["statusListIndex"]), status["statusListCredential"]

    def current():
        answer = get(address)
        found = answer.json()
        verify(found, get)
        assert found["issuer"] == "did:web:testserver:i:meridian"
        assert found["id"] == address
        subject = found["credentialSubject"]
        assert answer.headers["cache-control"] == f"public, max-age={subject['ttl'] // 1000}"
        return answer, is_set(subject["encodedList"], index)

    before, is_revoked = current()
    assert not is_revoked
    issue()
    assert current()[0].content == before.content, "issuing must leave no trace in the list"
    api("POST", f"/credentials/{issued['id']}/revoke")
    assert current()[1]
    api("POST", f"/credentials/{issued['id']}/unrevoke")
    assert not current()[1]
    api("DELETE", f"/credentials/{issued['id']}", status=204)
    assert current()[1]


def test_open_badges_2_is_hosted_on_addresses_of_the_issuer(issue, get):
    issued = issue(expiryDate="2027-11-20")
    assertion = get(f"/ob2/meridian/assertions/{issued['publicId']}").json()
    assert assertion["id"] == f"http://testserver/ob2/meridian/assertions/{issued['publicId']}"
    assert assertion["recipient"]["identity"] == identity_hash("zoe@example.com", assertion["recipient"]["salt"])
    assert assertion["expires"] == "2027-11-20T23:59:59Z"
    badge = get(assertion["badge"]).json()
    assert badge["name"] == "Financial Markets"
    assert get(badge["image"]).headers["content-type"] == "image/png"
    issuer = get(badge["issuer"]).json()
    assert assertion["id"].startswith(issuer["verification"]["startsWith"])
    assert badge["id"].startswith(issuer["verification"]["startsWith"])


def test_a_revoked_assertion_is_gone_and_says_why(api, issue, get):
    issued = issue()
    path = f"/ob2/meridian/assertions/{issued['publicId']}"
    api("POST", f"/credentials/{issued['id']}/revoke", {"reason": "Plagiarism"})
    stub = get(path, status=410).json()
    assert (stub["revoked"], stub["revocationReason"]) == (True, "Plagiarism")
    assert "recipient" not in stub
    assert get(f"/credentials/{issued['publicId']}.json").json()["id"].endswith(issued["publicId"])
    api("DELETE", f"/credentials/{issued['id']}", status=204)
    assert get(path, status=410).json() == {key: stub[key] for key in ("@context", "type", "id", "revoked")}


def test_without_an_email_there_is_no_open_badge_2(issue, get):
    issued = issue(recipient={"name": "Bob"})
    get(f"/ob2/meridian/assertions/{issued['publicId']}", "application/json", status=404)
    assert unbake(get(f"/credentials/{issued['publicId']}.png").content).assertion is None


def test_a_deleted_credential_is_gone_and_a_draft_was_never_there(api, group, issue, get):
    issued = issue()
    path = f"/credentials/{issued['publicId']}"
    api("DELETE", f"/credentials/{issued['id']}", status=204)
    for ending in (".json", ".jwt", ".png"):
        answer = get(f"{path}{ending}", "application/json", status=410)
        assert answer.headers["content-type"] == "application/problem+json"
        assert "Zo" not in answer.text
    assert "withdrawn" in get(path, "text/html", status=410).text
    draft = api("POST", "/credentials", {"groupId": group["id"], "recipient": {"name": "Zoë"}}, status=201)
    for ending in ("", ".json", ".jwt", ".png", ".svg"):
        get(f"/credentials/{draft['publicId']}{ending}", "application/json", status=404)
    get("/credentials/nonsense.json", status=404)


def test_an_achievement_is_described_at_its_address(issue, get):
    stated = get(f"/credentials/{issue()['publicId']}.json").json()["credentialSubject"]["achievement"]
    served = get(stated["id"]).json()
    served.pop("@context")
    assert served == stated
    get("/achievements/01fpwtztwf7sacca5r0c483mnm", status=404)
    get("/achievements/x", status=404)


def test_documents_of_one_issuer_are_not_served_by_another(issue, get, other_tenant):
    issued = issue()
    get(f"/ob2/rival/assertions/{issued['publicId']}", "application/json", status=404)
    badge = get(f"/ob2/meridian/assertions/{issued['publicId']}").json()["badge"]
    get(badge.replace("meridian", "rival"), "application/json", status=404)
    get("/ob2/nobody", "application/json", status=404)


def test_after_a_rename_documents_that_others_have_still_verify(api, issue, get, platform, tenant):
    issued = issue()
    path = f"/credentials/{issued['publicId']}"
    before = get(f"{path}.json").json()
    with platform.database.write() as tx:
        update_workspace(tx, tenant.workspace.id, slug="meridian-new", at=now() + timedelta(seconds=1))
    verify(before, get)
    api("POST", f"/credentials/{issued['id']}/revoke")
    listed = get(before["credentialStatus"]["statusListCredential"]).json()
    verify(listed, get)
    assert listed["issuer"] == before["issuer"]["id"]
    assert is_set(listed["credentialSubject"]["encodedList"], int(before["credentialStatus"]["statusListIndex"]))
    get(f"/ob2/meridian/assertions/{issued['publicId']}", status=410)
