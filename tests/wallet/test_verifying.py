"""Verification over HTTP: what is said of badges of our own, of others', and of what is no badge."""

import io
import json
import re

import pytest
import zxingcpp
from badge_server import BadgeServer
from databases import on_one_database
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from starlette.testclient import TestClient

from testamur.app import create_app
from testamur.clock import now
from testamur.config import Settings
from testamur.openbadges.baking import Baked, bake
from testamur.openbadges.bundles import read_bundle
from testamur.openbadges.reports import STEPS
from testamur.openbadges.resolving import Unreachable
from testamur.openbadges.verification import verify as check
from testamur.wallet import verifying
from testamur.wallet.badges import Badges
from testamur.wallet.files import Files
from testamur.wallet.own_documents import OwnDocuments
from testamur.wallet.status_lists import StatusLists
from testamur.web import verifying as shared
from testamur.web.platform import open_platform
from testamur.worker.schedules import append_to_log
from testamur.workspaces.editing import update_workspace
from testamur.workspaces.issuer_identities import issuer_did

JSON = {"Accept": "application/json"}


@pytest.fixture
def elsewhere():
    made = BadgeServer()
    yield made
    made.close()


@pytest.fixture
def verify(client):
    """What POST /verify tells of a file, or of an address."""

    def run(given, status=200):
        form = {"data": {"url": given}} if isinstance(given, str) else {"files": {"file": ("badge", given)}}
        answer = client.post("/verify", headers=JSON, **form)
        assert answer.status_code == status, answer.text
        assert answer.headers["cache-control"] == "no-store"
        return answer.json()

    return run


@pytest.fixture
def careful_client(migrated_url, tmp_path):
    """A server as it is by default: it enters no private network."""
    opened = open_platform(
        Settings(data_dir=tmp_path / "careful", database_url=migrated_url, base_url="https://badges.example")
    )
    with TestClient(create_app(opened), raise_server_exceptions=False) as client:
        yield client


def outcome(told):
    return told["verdict"], {step["name"]: step["status"] for step in told["steps"]}


def reason(told, name):
    return next(step["reason"] for step in told["steps"] if step["name"] == name)


def failed(told):
    return [step["name"] for step in told["steps"] if step["status"] == "failed"]


def picture_of(text, format_="PNG"):
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode).to_image(scale=6, add_quiet_zones=True)
    made = io.BytesIO()
    Image.fromarray(code).save(made, format_)
    return made.getvalue()


@pytest.mark.parametrize("ending", [".json", ".jwt", ".png", ".svg"])
def test_our_own_credential_is_valid_in_every_form(issue, get, verify, ending):
    issued = issue()
    told = verify(get(f"/credentials/{issued['publicId']}{ending}").content)
    assert outcome(told) == ("valid", dict.fromkeys(STEPS, "passed"))
    assert (told["facts"]["issuerName"], told["facts"]["recipient"]) == ("Meridian Institute", "Zoë 🙂")
    assert told["facts"]["issuer"] == "did:web:testserver:i:meridian"
    assert told["bundleUrl"] == f"http://testserver/credentials/{issued['publicId']}/bundle.zip"
    assert {"title": "Valid from", "text": "20 November 2026"} in told["shownFacts"]


def test_our_own_credential_is_verified_by_its_address_and_by_the_code_on_its_certificate(issue, get, verify):
    issued = issue(designs=("certificate_id",))
    page = f"http://testserver/credentials/{issued['publicId']}"
    for address in (page, f"{page}.jwt", f"{page}.json", page.replace("http:", "https:")):
        assert verify(address)["verdict"] == "valid"
    for format_ in ("PNG", "JPEG", "WEBP"):
        told = verify(picture_of(f"{page}?recipient=true", format_))
        assert (told["verdict"], told["facts"]["id"]) == ("valid", page)
    shown = get(page, "text/html").text
    drawn = get(re.search(r'<img src="([^"]+)"', shown)[1]).content
    assert verify(drawn)["facts"]["id"] == page


def test_a_hosted_assertion_of_ours_is_verified_and_its_revocation_seen(api, issue, get, verify):
    issued = issue()
    address = f"http://testserver/ob2/meridian/assertions/{issued['publicId']}"
    told = verify(address)
    assert outcome(told)[0] == "valid", told["steps"]
    kept = get(address).content
    api("POST", f"/credentials/{issued['id']}/revoke", {"reason": "Plagiarism"})
    assert "Plagiarism" in reason(verify(kept), "revocation_status")


def test_a_revoked_an_expired_and_a_deleted_credential_are_not_valid(api, issue, get, verify, client):
    issued = issue()
    path = f"/credentials/{issued['publicId']}"
    kept = get(f"{path}.json").content
    api("POST", f"/credentials/{issued['id']}/revoke")
    for told in (verify(kept), client.get(f"{path}/verify").json()):
        assert (told["verdict"], failed(told)) == ("invalid", ["revocation_status"])
    api("DELETE", f"/credentials/{issued['id']}", status=204)
    told = verify(kept)
    assert (told["verdict"], failed(told)) == ("invalid", ["revocation_status"])
    assert "bundleUrl" not in told
    assert client.get(f"{path}/verify").status_code == 410
    old = issue(issueDate="2025-01-01", expiryDate="2025-06-30")
    told = client.get(f"/credentials/{old['publicId']}/verify").json()
    assert (told["verdict"], failed(told)) == ("invalid", ["expiration"])


def test_a_draft_and_what_never_was_are_not_verified(api, group, client):
    draft = api("POST", "/credentials", {"groupId": group["id"], "recipient": {"name": "Zoë"}}, status=201)
    for public_id in (draft["publicId"], "0b0e3a5c-9f1d-4c55-8a51-0d0f6c6f3b11", "nonsense"):
        assert client.get(f"/credentials/{public_id}/verify", headers=JSON).status_code == 404
        assert client.get(f"/credentials/{public_id}/bundle.zip", headers=JSON).status_code == 404


def test_a_changed_credential_fails_and_offers_nothing(issue, get, verify):
    document = get(f"/credentials/{issue()['publicId']}.json").json()
    document["credentialSubject"]["achievement"]["name"] = "Medicine"
    told = verify(json.dumps(document).encode())
    assert (told["verdict"], failed(told)) == ("invalid", ["valid_signature"])
    assert "bundleUrl" not in told
    assert "changed" in reason(told, "valid_signature")


def test_under_an_old_slug_a_credential_goes_on_verifying(issue, get, verify, platform, tenant):
    document = get(f"/credentials/{issue()['publicId']}.json").content
    with platform.database.write() as tx:
        update_workspace(tx, tenant.workspace.id, slug="college", at=tenant.workspace.created_at)
    assert verify(document)["verdict"] == "valid"


@on_one_database
def test_a_badge_of_another_server_is_valid_but_its_issuer_is_not_known(elsewhere, verify):
    document = elsewhere.credential()
    told = verify(json.dumps(document).encode())
    assert told["verdict"] == "valid_unknown_issuer", told["steps"]
    assert sorted(elsewhere.asked) == ["/i/acme/did.json", "/status/1"]
    elsewhere.pages["/badges/1"] = document
    assert verify(f"{elsewhere.url}/badges/1")["verdict"] == "valid_unknown_issuer"
    elsewhere.pages["/status/1"] = elsewhere.list_of([94567])
    assert failed(verify(f"{elsewhere.url}/badges/1")) == ["revocation_status", "registered_issuer"]


@on_one_database
def test_an_issuer_that_the_operator_names_is_known(elsewhere, migrated_url, tmp_path):
    settings_ = Settings(
        data_dir=tmp_path / "data",
        database_url=migrated_url,
        allow_private_networks=True,
        known_issuers=(elsewhere.did,),
    )
    with TestClient(create_app(open_platform(settings_)), raise_server_exceptions=False) as client:
        files = {"file": ("badge.json", json.dumps(elsewhere.credential()))}
        assert client.post("/verify", headers=JSON, files=files).json()["verdict"] == "valid"


@on_one_database
def test_a_redirect_is_not_followed_and_a_page_for_people_is_told_as_one(elsewhere, verify):
    elsewhere.pages |= {"/moved": 302, "/elsewhere": elsewhere.credential(), "/page": b"\n<!DOCTYPE html><p>Badge"}
    assert "redirected" in reason(verify(f"{elsewhere.url}/moved"), "valid_signature")
    assert "/elsewhere" not in elsewhere.asked
    assert "page for people" in reason(verify(f"{elsewhere.url}/page"), "valid_signature")


@on_one_database
def test_too_much_from_another_server_is_not_taken(elsewhere, verify):
    elsewhere.pages["/large"] = b"{" + b" " * 2_000_000
    assert "larger than 1 MiB" in reason(verify(f"{elsewhere.url}/large"), "valid_signature")


@on_one_database
def test_by_default_no_private_network_is_entered(elsewhere, careful_client):
    document = json.dumps(elsewhere.credential())
    told = careful_client.post("/verify", headers=JSON, files={"file": ("badge.json", document)}).json()
    assert failed(told) == ["valid_signature"]
    assert "private network" in reason(told, "valid_signature")
    for address in (
        "https://127.0.0.1/x",
        "https://[::1]/x",
        "https://169.254.169.254/latest",
        elsewhere.url,
        "https://[",
    ):
        told = careful_client.post("/verify", headers=JSON, data={"url": address}).json()
        assert failed(told) == ["valid_signature"]
    assert elsewhere.asked == []


def test_opening_a_link_fetches_nothing(elsewhere, client, issue):
    elsewhere.pages["/badges/1"] = elsewhere.credential()
    shown = client.get("/verify", params={"url": f"{elsewhere.url}/badges/1"})
    assert f'value="{elsewhere.url}/badges/1"' in shown.text
    assert 'class="steps"' not in shown.text
    assert elsewhere.asked == []
    page = f"http://testserver/credentials/{issue()['publicId']}"
    shown = client.get("/verify", params={"url": page})
    assert shown.text.count('<li class="passed">') == len(STEPS)


def test_without_a_script_the_page_tells_the_steps(issue, get, client):
    content = get(f"/credentials/{issue()['publicId']}.json").content
    asked = client.get("/verify")
    assert 'enctype="multipart/form-data"' in asked.text
    assert "script-src 'self'" in asked.headers["content-security-policy"]
    shown = client.post("/verify", files={"file": ("badge.json", content), "url": (None, "")})
    assert shown.status_code == 200
    assert shown.text.count('<li class="passed">') == len(STEPS)
    for text in ("<h2>Valid</h2>", "Zoë 🙂", "Meridian Institute", "/bundle.zip"):
        assert text in shown.text
    nothing = client.post("/verify", data={"url": " "})
    assert (nothing.status_code, "Choose a file" in nothing.text) == (400, True)


@on_one_database
def test_what_a_badge_says_is_escaped(elsewhere, client):
    document = elsewhere.credential(name="<script>alert(1)</script>")
    shown = client.post("/verify", files={"file": ("b", json.dumps(document))}).text
    assert "<script>alert" not in shown
    assert "&lt;script&gt;alert(1)" in shown
    assert "<b>" not in client.get("/verify", params={"url": '"><b>'}).text


@on_one_database
def test_too_large_a_file_is_refused_with_the_limit(client):
    for size in (5_000_001, 6_000_000):
        shown = client.post("/verify", files={"file": ("badge.json", b"{" + b" " * size)})
        assert (shown.status_code, "larger than 5 MB" in shown.text) == (413, True)
    answer = client.post("/verify", headers=JSON, files={"file": ("badge.json", b" " * 6_000_000)})
    assert answer.json()["status"] == 413


@on_one_database
def test_large_and_tangled_badges_are_answered(elsewhere, verify):
    long = elsewhere.credential()
    long["credentialSubject"]["narrative"] = "x" * 4_900_000
    assert failed(verify(json.dumps(long).encode())) == ["valid_signature"]
    tangled = elsewhere.credential()
    tangled["evidence"] = [{"type": ["Evidence"], "name": "same"} for _ in range(10_000)]
    assert "values" in reason(verify(json.dumps(tangled).encode()), "valid_signature")
    deep = b'{"a":' * 200_000 + b"1" + b"}" * 200_000
    assert "nested" in reason(verify(deep), "valid_signature")


@on_one_database
def test_pictures_without_a_badge_or_with_a_broken_one_are_told_apart(elsewhere, verify):
    made = io.BytesIO()
    Image.new("RGB", (40, 40)).save(made, "PNG")
    assert "neither a badge" in verify(made.getvalue(), status=400)["detail"]
    assert "address of the web" in verify(picture_of("WIFI:S:home;;"), status=400)["detail"]
    broken = bytearray(bake(picture_of(f"{elsewhere.url}/badges/1"), Baked(credential="{}")))
    broken[broken.index(b"openbadgecredential")] ^= 1
    assert "damaged" in reason(verify(bytes(broken)), "valid_signature")
    assert elsewhere.asked == []
    bomb = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(bomb, "PNG")
    verify(bomb.getvalue(), status=400)


@on_one_database
@given(
    content=st.one_of(
        st.binary(max_size=300),
        st.binary(max_size=100).map(lambda part: b"\x89PNG\r\n\x1a\n" + part),
        st.binary(max_size=100).map(lambda part: b"\xff\xd8\xff" + part),
        st.text(max_size=100).map(lambda part: f"<svg>{part}".encode()),
        st.recursive(
            st.none() | st.floats() | st.text(max_size=5),
            lambda part: (
                st.lists(part, max_size=3)
                | st.dictionaries(st.sampled_from(["type", "issuer", "@context", "credentialSubject", "proof"]), part)
            ),
            max_leaves=10,
        ).map(lambda value: json.dumps(value).encode()),
    )
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nonsense_is_answered_and_never_valid(client, content):
    answer = client.post("/verify", headers=JSON, files={"file": ("x", content)})
    assert answer.status_code in {200, 400}
    if answer.status_code == 200:
        assert answer.json()["verdict"] == "invalid"


@on_one_database
def test_what_is_no_form_is_refused(client):
    for body, kind in ((b"--x", "multipart/form-data; boundary=x"), (b"{}", "application/json"), (b"", "")):
        answer = client.post("/verify", content=body, headers={"Content-Type": kind, **JSON})
        assert answer.status_code == 400, kind


@on_one_database
def test_too_many_at_once_are_turned_away_and_told_when_to_come_again(client, monkeypatch):
    monkeypatch.setattr(verifying, "WAITING_MAX", 0)
    answer = client.post("/verify", data={"url": "https://example.org/1"}, headers=JSON)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    shown = client.post("/verify", data={"url": "https://example.org/1"})
    assert (shown.status_code, "try again shortly" in shown.text) == (503, True)
    assert 'value="https://example.org/1"' in shown.text


def test_one_address_may_not_verify_without_end(platform, monkeypatch):
    monkeypatch.setattr(verifying, "RATE", "2/minute")
    with TestClient(create_app(platform), raise_server_exceptions=False) as client:
        for _ in range(2):
            assert client.post("/verify", data={"url": "nothing"}).status_code == 200
        answer = client.post("/verify", data={"url": "nothing"})
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 0


@on_one_database
def test_slow_servers_use_up_the_time_of_a_badge(elsewhere, verify, monkeypatch):
    monkeypatch.setattr(shared, "FETCHES_SECONDS", 0)
    assert "used up" in reason(verify(json.dumps(elsewhere.credential()).encode()), "valid_signature")
    assert elsewhere.asked == []


def test_the_bundle_of_a_credential_verifies_by_itself(issue, get, verify, api):
    issued = issue()
    path = f"/credentials/{issued['publicId']}/bundle.zip"
    answer = get(path)
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"].startswith('attachment; filename="bundle.zip"')
    assert get(path).content == answer.content
    bundle = read_bundle(answer.content)
    assert bundle.credential == get(f"/credentials/{issued['publicId']}.json").content
    for content in (bundle.credential, bundle.jwt):
        told = check(content, fetch=bundle.fetch, at=now(), known_issuers={"did:web:testserver:i:meridian"})
        assert told.verdict == "valid", told.steps
    api("POST", f"/credentials/{issued['id']}/revoke")
    told = check(bundle.credential, fetch=read_bundle(get(path).content).fetch, at=now())
    assert "revoked" in {step.name: step.reason for step in told.steps}["revocation_status"]
    api("DELETE", f"/credentials/{issued['id']}", status=204)
    get(path, "application/json", status=410)


def test_a_bundle_holds_the_proof_out_of_the_log_once_there_is_one(issue, get, platform):
    path = f"/credentials/{issue()['publicId']}/bundle.zip"
    assert read_bundle(get(path).content).log_proof is None
    while append_to_log(platform, now()):
        pass
    bundle = read_bundle(get(path).content)
    key = get("/log/key", "text/plain").text.split()[0]
    told = check(bundle.credential, fetch=bundle.fetch, at=now(), log_proof=bundle.log_proof, log_key=key)
    assert (told.steps[-1].name, told.steps[-1].status) == ("transparency", "passed")


def test_documents_at_an_old_host_are_our_own_and_at_others_are_not(platform, tenant):
    with platform.database.write() as tx:
        old = issuer_did(tx, tenant.workspace, "https://old.example", at=now())
    files = Files(platform)
    own = OwnDocuments(platform, Badges(platform, files), StatusLists(platform))
    assert json.loads(own.find("https://old.example/i/meridian/did.json"))["id"] == old
    assert json.loads(own.find("https://testserver/i/meridian/did.json"))["id"] == "did:web:testserver:i:meridian"
    for address in (
        "https://other.example/i/meridian/did.json",
        "https://testserver.evil.example/i/meridian/did.json",
        "https://user@testserver/i/meridian/did.json",
        "https://testserver:8443/i/meridian/did.json",
        "ftp://testserver/i/meridian/did.json",
        "https://[/",
    ):
        assert own.find(address) is None
    for address in ("http://testserver/", "http://testserver/verify", "http://testserver/i/nobody/did.json"):
        with pytest.raises(Unreachable):
            own.find(address)
    assert old in own
    assert "http://testserver/ob2/meridian" in own
    for issuer in ("did:web:old.example:i:rival", "http://testserver/ob2/nobody", "http://testserver/ob2/", None):
        assert issuer not in own
