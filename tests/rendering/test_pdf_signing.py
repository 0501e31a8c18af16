"""A signed PDF: what was appended to it, and what pyHanko's validator says."""

import asyncio
import io
from datetime import UTC, datetime

import pytest
from asn1crypto import x509 as asn1
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes, Signer
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore
from pypdf import PdfReader

from testamur.designs.starters import read_starter
from testamur.rendering.pdf_signing import sign_pdf
from testamur.rendering.renderer import Renderer
from testamur.rendering.samples import SAMPLE_VALUES
from testamur.rendering.signing_identity import SigningIdentity

AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
KINDS = ["rsa-2048", "p-256", "p-384"]


class NoPictures:
    def read(self, digest):
        raise FileNotFoundError(digest)


@pytest.fixture(scope="module")
def pdf():
    renderer = Renderer(read_starter("certificate").document, NoPictures())
    return renderer.pdf(SAMPLE_VALUES, title="Financial Markets", at=AT)


@pytest.fixture(scope="module", params=KINDS)
def identity(request, authority):
    key = authority.new_key(request.param)
    return SigningIdentity(key, authority.certificate(key), (authority.intermediate, authority.root))


def validated(content, root):
    trusted = ValidationContext(trust_roots=[asn1.Certificate.load(root.public_bytes(Encoding.DER))], moment=AT)
    (signature,) = PdfFileReader(io.BytesIO(content)).embedded_regular_signatures
    return signature, validate_pdf_signature(signature, trusted)


def test_the_signature_is_valid_and_leads_to_the_root(pdf, identity, authority):
    signed = sign_pdf(pdf, identity, at=AT, reason="Issued", location="Łódź", name="Meridian Institute")
    signature, status = validated(signed, authority.root)
    assert status.bottom_line, status.pretty_print_details()
    assert status.coverage == SignatureCoverageLevel.ENTIRE_FILE
    assert status.signer_reported_dt == AT
    assert status.docmdp_ok
    assert signature.docmdp_level == MDPPerm.NO_CHANGES
    assert signature.sig_object["/SubFilter"] == "/ETSI.CAdES.detached"
    told = [signature.sig_object[name] for name in ("/Reason", "/Location", "/Name")]
    assert told == ["Issued", "Łódź", "Meridian Institute"]


def test_another_root_does_not_vouch_for_it(pdf, identity, authority):
    other = type(authority)()
    _, status = validated(sign_pdf(pdf, identity, at=AT), other.root)
    assert status.intact
    assert status.valid
    assert not status.trusted


def test_the_file_before_stays_as_it_was_and_its_metadata_too(pdf, identity):
    signed = sign_pdf(pdf, identity, at=AT)
    assert signed.startswith(pdf)
    before, after = PdfReader(io.BytesIO(pdf)), PdfReader(io.BytesIO(signed))
    assert after.metadata == before.metadata
    assert after.xmp_metadata.stream.get_data() == before.xmp_metadata.stream.get_data()
    assert after.pages[0].extract_text() == before.pages[0].extract_text()
    assert b"/Version /2" not in signed[len(pdf) :]


def test_what_is_appended_is_what_pdf_a_allows(pdf, identity):
    """ISO 19005-2, 6.1.12, 6.3.2, 6.3.3 and 6.4.3."""
    catalog = PdfReader(io.BytesIO(sign_pdf(pdf, identity, at=AT))).trailer["/Root"]
    assert list(catalog["/Perms"]) == ["/DocMDP"]
    (reference,) = catalog["/Perms"]["/DocMDP"]["/Reference"]
    assert not {"/DigestLocation", "/DigestMethod", "/DigestValue"} & set(reference)
    (widget,) = catalog["/AcroForm"]["/Fields"]
    hidden, printed = 0b10, 0b100
    assert widget.get_object()["/F"] & (hidden | printed) == printed
    assert widget.get_object()["/Rect"] == [0, 0, 0, 0]
    assert "/NeedAppearances" not in catalog["/AcroForm"]


def test_a_change_anywhere_shows(pdf, identity, authority):
    signed = sign_pdf(pdf, identity, at=AT)
    for position in (len(pdf) // 2, signed.rindex(b"20261124") + 7):
        changed = bytearray(signed)
        changed[position] ^= 1
        _, status = validated(bytes(changed), authority.root)
        assert not status.intact
        assert not status.bottom_line


def test_what_is_added_after_it_breaks_the_certification(pdf, identity, authority):
    from pyhanko.pdf_utils.generic import NameObject, TextStringObject
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

    writer = IncrementalPdfFileWriter(io.BytesIO(sign_pdf(pdf, identity, at=AT)))
    writer.root[NameObject("/Lang")] = TextStringObject("fr")
    writer.update_root()
    output = io.BytesIO()
    writer.write(output)
    _, status = validated(output.getvalue(), authority.root)
    assert status.intact
    assert not status.docmdp_ok
    assert not status.bottom_line


def test_the_same_file_key_and_time_give_the_same_bytes(pdf, identity):
    signed = sign_pdf(pdf, identity, at=AT)
    assert sign_pdf(pdf, SigningIdentity.from_pem(identity.pem), at=AT.astimezone()) == signed
    assert sign_pdf(pdf, identity, at=AT.replace(hour=13)) != signed
    identifiers = [PdfReader(io.BytesIO(content)).trailer["/ID"] for content in (pdf, signed)]
    assert identifiers[0][0] == identifiers[1][0]
    assert identifiers[0][1] != identifiers[1][1]


def test_a_signed_file_is_not_signed_again(pdf, identity):
    with pytest.raises(SigningError):
        sign_pdf(sign_pdf(pdf, identity, at=AT), identity, at=AT)


class PyHankoSigner(Signer):
    """Signs as ours does, within the structure that pyHanko builds."""

    def __init__(self, identity):
        certificate, *chain = (
            asn1.Certificate.load(item.public_bytes(Encoding.DER)) for item in (identity.certificate, *identity.chain)
        )
        store = SimpleCertificateStore()
        store.register_multiple(chain)
        super().__init__(signing_cert=certificate, cert_registry=store)
        self._key = identity.key

    async def async_sign_raw(self, data, digest_algorithm, dry_run=False):  # noqa: ARG002 - as it is called
        if isinstance(self._key, ec.EllipticCurvePrivateKey):
            return self._key.sign(data, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        return self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())


def test_the_signature_is_byte_for_byte_what_pyhanko_makes(pdf, identity, authority):
    signature, status = validated(sign_pdf(pdf, identity, at=AT), authority.root)
    assert status.bottom_line
    made = asyncio.run(
        PyHankoSigner(identity).async_sign(
            signature.compute_digest(), "sha256", use_pades=True, signed_attr_settings=PdfCMSSignedAttributes()
        )
    )
    held = bytes(signature.sig_object.get_object().raw_get("/Contents").original_bytes)
    assert held.rstrip(b"\0") == made.dump().rstrip(b"\0")
