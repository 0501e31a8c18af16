"""`testamur verify`, as somebody uses it who has no installation."""

import io
import json
import zipfile

import pytest
import zxingcpp
from badge_server import BadgeServer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image

from testamur.openbadges.baking import Baked, bake
from testamur.openbadges.bundles import write_bundle
from testamur.openbadges.merkle import leaf_hash
from testamur.openbadges.transparency import (
    Entry,
    LogProof,
    TreeHead,
    document_digest,
    entry_bytes,
    log_key,
    signed_head,
)

NO_SETTINGS = {"TESTAMUR_DATABASE_URL": "nonsense"}


@pytest.fixture(scope="module")
def elsewhere():
    made = BadgeServer()
    yield made
    made.close()


@pytest.fixture(scope="module")
def badge(elsewhere):
    return json.dumps(elsewhere.credential()).encode()


@pytest.fixture
def verify(testamur, tmp_path):
    def run(content, *options, exit_code=0):
        file = tmp_path / "badge"
        file.write_bytes(content)
        return testamur("verify", file, *options, exit_code=exit_code, **NO_SETTINGS)

    return run


@pytest.fixture
def bundle(elsewhere, badge, tmp_path):
    def write(did_document=None, status_list=None):
        made = write_bundle(
            credential=badge,
            jwt="a.b.c",
            did_document=json.dumps(did_document or elsewhere.pages["/i/acme/did.json"]).encode(),
            status_list=json.dumps(status_list or elsewhere.list_of([])).encode(),
        )
        (tmp_path / "bundle.zip").write_bytes(made)
        return tmp_path / "bundle.zip"

    return write


def test_a_badge_is_verified_without_settings_and_nothing_is_made(elsewhere, badge, verify, tmp_path):
    told = verify(badge, "--allow-private-networks", "--known-issuer", elsewhere.did).stdout
    assert [line[0] for line in told.splitlines()[:5]] == ["✓"] * 5
    assert "\nValid. " in told
    assert not (tmp_path / "data").exists()
    told = json.loads(verify(badge, "--allow-private-networks", "--json").stdout)
    assert (told["verdict"], told["facts"]["issuerName"]) == ("valid_unknown_issuer", "Acme Academy")
    assert [step["name"] for step in told["steps"] if step["status"] == "failed"] == ["registered_issuer"]


def test_an_address_and_the_code_that_leads_to_it_are_verified(elsewhere, badge, testamur, verify):
    elsewhere.pages["/badges/1"] = badge
    testamur("verify", f"{elsewhere.url}/badges/1", "--allow-private-networks", **NO_SETTINGS)
    code = zxingcpp.create_barcode(f"{elsewhere.url}/badges/1", zxingcpp.BarcodeFormat.QRCode)
    picture = io.BytesIO()
    Image.fromarray(code.to_image(scale=5)).save(picture, "PNG")
    assert "Welding" in verify(picture.getvalue(), "--allow-private-networks").stdout
    baked = bake(picture.getvalue(), Baked(credential=badge.decode()))
    assert "Welding" in verify(baked, "--allow-private-networks").stdout


def test_private_networks_are_not_entered_unasked_and_offline_asks_nobody(badge, verify):
    assert "private network" in verify(badge, exit_code=1).stdout
    told = verify(badge, "--offline", exit_code=1).stdout
    assert "nothing is looked up" in told
    assert told.startswith("✗ Signature")


def test_a_changed_badge_is_invalid_and_no_badge_is_none(badge, verify, testamur, tmp_path):
    changed = badge.replace(b"Can weld", b"Can heal")
    told = verify(changed, "--allow-private-networks", exit_code=1).stdout
    assert "Not valid. " in told
    assert "\u2013 Revocation" in told
    assert "not JSON" in verify(b"nonsense", exit_code=2).stdout
    assert "larger than 5 MB" in verify(b" " * 5_000_001, exit_code=2).stderr
    assert "cannot be read" in testamur("verify", tmp_path / "none.json", exit_code=2, **NO_SETTINGS).stderr
    blank = io.BytesIO()
    Image.new("L", (9, 9)).save(blank, "PNG")
    assert "neither a badge" in verify(blank.getvalue(), exit_code=2).stderr


def test_what_a_badge_says_does_not_steer_the_terminal(elsewhere, verify):
    document = {**elsewhere.credential(), "name": "\x1b[2J\u202eevil"}
    shown = verify(json.dumps(document).encode(), "--allow-private-networks", exit_code=1).stdout
    assert "evil" in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_with_a_bundle_nothing_is_asked_and_the_key_must_be_known(elsewhere, badge, bundle, verify):
    file = bundle()
    elsewhere.asked.clear()
    told = verify(badge, "--bundle", file)
    assert "from an issuer who is not known here" in told.stdout
    assert "anybody can make one" in told.stderr
    assert "\nValid. " in verify(badge, "--bundle", file, "--known-issuer", elsewhere.method).stdout
    assert "#KEY" in verify(badge, "--bundle", file, "--known-issuer", elsewhere.did, exit_code=2).stderr
    other = f"{elsewhere.did}#z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
    assert "has no key" in verify(badge, "--bundle", file, "--known-issuer", other, exit_code=1).stdout
    assert elsewhere.asked == []


def test_a_bundle_of_another_key_under_the_issuers_name_is_not_believed(elsewhere, bundle, verify):
    forger = BadgeServer()
    forger.close()
    # The forger's key, under the name of the issuer's.
    document = json.loads(json.dumps(elsewhere.pages["/i/acme/did.json"]))
    document["verificationMethod"][0]["publicKeyMultibase"] = forger.method.partition("#")[2]
    real_key, elsewhere.key = elsewhere.key, forger.key
    forged = json.dumps(elsewhere.credential(name="Medicine")).encode()
    forged_list = elsewhere.list_of([])
    elsewhere.key = real_key
    file = bundle(document, forged_list)
    assert "✓ Signature" in verify(forged, "--bundle", file).stdout
    assert "✗ Signature" in verify(forged, "--bundle", file, "--known-issuer", elsewhere.method, exit_code=1).stdout


def test_a_bundle_that_says_revoked_or_is_none_is_told(elsewhere, badge, bundle, verify, tmp_path):
    file = bundle(status_list=elsewhere.list_of([94567]))
    assert "✗ Revocation" in verify(badge, "--bundle", file, exit_code=1).stdout
    (tmp_path / "bundle.zip").write_bytes(b"PK nonsense")
    assert "no ZIP" in verify(badge, "--bundle", tmp_path / "bundle.zip", exit_code=2).stderr
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("credential.json", b" " * 100_000_000)
    assert "larger than 2 MB" in verify(badge, "--bundle", tmp_path / "bomb.zip", exit_code=2).stderr


def test_the_proof_out_of_the_log_is_checked_under_the_key_that_is_given(elsewhere, badge, verify, tmp_path):
    digest = document_digest(json.loads(badge))
    entry = entry_bytes(Entry(kind="issue", time="2026-02-01T08:00:00Z", subject="1", digest=digest))
    checkpoint = signed_head(TreeHead(origin="issuer.example/log", size=1, root=leaf_hash(entry)), elsewhere.key)
    made = write_bundle(
        credential=badge,
        jwt="a.b.c",
        did_document=json.dumps(elsewhere.pages["/i/acme/did.json"]).encode(),
        status_list=json.dumps(elsewhere.list_of([])).encode(),
        log_proof=LogProof(entry=entry.decode(), index=0, path=[], checkpoint=checkpoint),
    )
    file = tmp_path / "bundle.zip"
    file.write_bytes(made)
    key = log_key("issuer.example/log", elsewhere.key.public_key())
    assert "✓ Transparency log" in verify(badge, "--bundle", file, "--log-key", key).stdout
    other = log_key("issuer.example/log", Ed25519PrivateKey.generate().public_key())
    assert "✗ Transparency log" in verify(badge, "--bundle", file, "--log-key", other, exit_code=1).stdout
    assert "needs a --bundle" in verify(badge, "--log-key", key, exit_code=2).stderr
