"""The certificate that a workspace signs its PDFs with: set, told, replaced, removed, and never given out."""

import io
import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from databases import on_one_database
from pypdf import PdfReader
from sqlalchemy import text

from testamur.designs.starters import read_starter
from testamur.encryption import WrongMasterKey
from testamur.errors import Conflict, NotFound
from testamur.rendering.renderer import Renderer
from testamur.rendering.samples import SAMPLE_VALUES
from testamur.rendering.signing_identity import read_identity
from testamur.workspaces.pdf_certificate import set_pdf_certificate, signed_pdf

AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
PATH = "/workspace/pdf-certificate"
PASSWORD = "geheim ü"


@pytest.fixture(scope="module")
def pdf():
    class NoPictures:
        def read(self, digest):
            raise FileNotFoundError(digest)

    return Renderer(read_starter("badge").document, NoPictures()).pdf(SAMPLE_VALUES, title="Course", at=AT)


@pytest.fixture
def key(authority):
    return authority.new_key("p-256")


@pytest.fixture
def certificate(authority, key):
    return authority.certificate(key)


@pytest.fixture
def body(authority, key, certificate):
    return {"pkcs12": b64encode(authority.pkcs12(key, certificate, PASSWORD)).decode(), "password": PASSWORD}


def everything_stored(platform):
    with platform.database.read() as tx:
        for table in ("pdf_certificates", "idempotency_keys"):
            for row in tx.execute(text(f"SELECT * FROM {table}")):
                yield from map(str, row)


def test_a_certificate_is_set_told_replaced_and_removed(api, authority, certificate, body):
    assert api("GET", PATH, status=404)["error"]["code"] == "not_found"
    made = api("POST", PATH, body)
    assert made == {
        "subject": "CN=Meridian Institute,C=PL",
        "issuer": "CN=Test CA,C=PL",
        "serial": f"{certificate.serial_number:x}",
        "notAfter": certificate.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "fingerprintSha256": certificate.fingerprint(hashes.SHA256()).hex(),
        "createdAt": made["createdAt"],
    }
    assert api("GET", PATH) == made
    key = authority.new_key("rsa-2048")
    other = b64encode(authority.pkcs12(key, authority.certificate(key, "The Registrar"), "x")).decode()
    replaced = api("POST", PATH, {"pkcs12": other, "password": "x"})
    assert replaced["subject"] == "CN=The Registrar,C=PL"
    assert api("GET", PATH) == replaced
    assert api("DELETE", PATH, status=204) == ""
    api("GET", PATH, status=404)
    api("DELETE", PATH, status=404)


def test_key_and_password_are_neither_answered_nor_logged_nor_stored_in_clear(api, platform, body, capfd):
    made = [api("POST", PATH, body, headers={"Idempotency-Key": "once"}) for _ in range(2)]
    assert made[0] == made[1] == api("GET", PATH)
    told = json.dumps(made) + "".join(capfd.readouterr()) + "\n".join(everything_stored(platform))
    for secret in (PASSWORD, "geheim", body["pkcs12"], body["pkcs12"][100:140], "PRIVATE KEY"):
        assert secret not in told
    # What was looked through holds the row.
    assert made[0]["fingerprintSha256"] in "\n".join(everything_stored(platform))


@on_one_database
def test_what_cannot_be_used_is_told_with_its_member_and_changes_nothing(api, authority, key, body):
    made = api("POST", PATH, body)
    expired = b64encode(authority.pkcs12(key, authority.certificate(key, days=(-3650, -3000)), "x")).decode()
    for wrong, member, told in (
        ({}, "pkcs12", "Required"),
        ({**body, "pkcs12": "%%%"}, "pkcs12", "Must be base64"),
        ({**body, "pkcs12": ""}, "pkcs12", "Is not a PKCS #12 file"),
        ({**body, "pkcs12": b64encode(b"MZ" * 100).decode()}, "pkcs12", "Is not a PKCS #12 file"),
        ({**body, "password": "wrong"}, "password", "Does not open the file"),
        ({"pkcs12": body["pkcs12"]}, "password", "Required"),
        ({"pkcs12": expired, "password": "x"}, "pkcs12", "expired on 2018"),
    ):
        (detail,) = api("POST", PATH, wrong, status=400)["error"]["details"]
        assert detail["path"] == [member]
        assert told in detail["message"]
    assert api("GET", PATH) == made


def sign(platform, workspace_id, pdf, at=AT):
    with platform.database.read() as tx:
        return signed_pdf(tx, workspace_id, pdf, master_key=platform.master_key, at=at)


@on_one_database
def test_pdfs_are_signed_with_the_certificate_in_force(api, platform, tenant, certificate, body, pdf):
    with pytest.raises(NotFound):
        sign(platform, tenant.workspace.id, pdf)
    api("POST", PATH, body)
    signature = PdfReader(io.BytesIO(sign(platform, tenant.workspace.id, pdf))).get_fields()["Signature"]["/V"]
    assert certificate.public_bytes(Encoding.DER) in signature["/Contents"].original_bytes
    assert signature["/M"] == "D:20261124120000Z"
    for at, told in (
        (certificate.not_valid_after_utc + timedelta(seconds=1), "expired on"),
        (certificate.not_valid_before_utc - timedelta(seconds=1), "is valid only from"),
    ):
        with pytest.raises(Conflict) as raised:
            sign(platform, tenant.workspace.id, pdf, at)
        assert told in raised.value.message


def test_the_certificate_of_another_workspace_is_neither_told_nor_used(
    client, api, platform, tenant, other_tenant, authority, body, pdf
):
    key = authority.new_key("p-256")
    identity = read_identity(authority.pkcs12(key, authority.certificate(key, "Rival"), "x"), "x", at=AT)
    with platform.database.write() as tx:
        theirs = set_pdf_certificate(tx, other_tenant.workspace.id, identity, master_key=platform.master_key, at=AT)
    assert "Rival" not in json.dumps(api("GET", PATH, status=404))
    with pytest.raises(NotFound):
        sign(platform, tenant.workspace.id, pdf)
    api("DELETE", PATH, status=404)
    api("POST", PATH, body)
    api("DELETE", PATH, status=204)
    kept = client.get(f"/v1{PATH}", headers=other_tenant.headers).json()
    assert kept["fingerprintSha256"] == theirs.fingerprint_sha256


def test_a_row_copied_to_another_workspace_signs_nothing_there(api, platform, tenant, other_tenant, body, pdf):
    api("POST", PATH, body)
    with platform.database.write() as tx:
        tx.execute(text("UPDATE pdf_certificates SET workspace_id = :other"), {"other": other_tenant.workspace.id})
    with pytest.raises(WrongMasterKey):
        sign(platform, other_tenant.workspace.id, pdf)
