"""Electronic signatures on PDFs: PAdES baseline B-B (ETSI EN 319 142-1), without a word on the page.

The signature certifies the file and allows no change to it: a certificate is finished when it is issued, so whatever
anyone adds to it later has to show. It is appended: the bytes before it stay as they were, and so a PDF/A file stays
one. The same file, key and time give the same bytes.

pyHanko writes the PDF. The signature itself (CMS, RFC 5652) is put together here: it holds very little, and letting
pyHanko do it takes ten times as long as all the rest. A test compares it, byte for byte, with what pyHanko makes.
Importing pyHanko takes half a second and 17 MB, so whoever may never sign imports this module when signing.
"""

from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from pyhanko.pdf_utils.generic import ByteStringObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigMDPSetup, SigObjSetup
from pyhanko.sign.signers.constants import ESIC_EXTENSION_1
from pyhanko.sign.signers.pdf_byterange import SignatureObject

from testamur.rendering.signing_identity import SigningIdentity, SigningKey

FIELD_NAME = "Signature"


def sign_pdf(
    content: bytes, identity: SigningIdentity, *, at: datetime, reason: str = "", location: str = "", name: str = ""
) -> bytes:
    """The PDF, which must have no signature yet, with one that says it was made `at`.

    Whether the certificate is in force then is the caller's to check.
    """
    at = at.astimezone(UTC).replace(microsecond=0)
    given = (
        content,
        _certificate(identity),
        at.isoformat().encode(),
        reason.encode(),
        location.encode(),
        name.encode(),
    )
    writer = _Update(content, file_id=sha256(b"".join(sha256(item).digest() for item in given)).digest()[:16])
    # What it takes at most, as hexadecimal digits.
    room = 2 * len(_cms(identity, bytes(32), bytes(_signature_bytes_max(identity.key))))
    steps = PdfCMSEmbedder().write_cms(field_name=FIELD_NAME, writer=writer)
    next(steps)
    writer.register_extension(ESIC_EXTENSION_1)
    placeholder = SignatureObject(
        timestamp=at,
        subfilter=SigSeedSubFilter.PADES,
        name=name or None,
        location=location or None,
        reason=reason or None,
        bytes_reserved=room,
    )
    certified = SigMDPSetup(md_algorithm="sha256", certify=True, docmdp_perms=MDPPerm.NO_CHANGES)
    steps.send(SigObjSetup(sig_placeholder=placeholder, mdp_setup=certified))
    prepared, output = steps.send(SigIOSetup(md_algorithm="sha256", output=BytesIO()))
    digest = prepared.document_digest
    steps.send(_cms(identity, digest, _signature(identity.key, _signed_attributes(identity, digest))))
    signed: bytes = output.getvalue()
    return signed


class _Update(IncrementalPdfFileWriter):
    """An incremental update that is the same each time, and leaves the metadata alone, of which there are two copies."""

    def __init__(self, content: bytes, *, file_id: bytes) -> None:
        super().__init__(BytesIO(content))
        self._document_id[1] = ByteStringObject(file_id)

    def _update_meta(self) -> None:
        pass


def _signature(key: SigningKey, attributes: bytes) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(attributes, padding.PKCS1v15(), hashes.SHA256())
    try:
        # RFC 6979: the signature follows from key and content, without a random number.
        algorithm = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
    except UnsupportedAlgorithm:  # An OpenSSL before 3.2; the wheels of cryptography bring a newer one.
        algorithm = ec.ECDSA(hashes.SHA256())
    return key.sign(attributes, algorithm)


def _signature_bytes_max(key: SigningKey) -> int:
    """Of RSA exactly; of ECDSA two numbers of the key's size with their DER around them."""
    return key.key_size // 8 if isinstance(key, rsa.RSAPrivateKey) else 2 * (key.key_size // 8 + 4) + 4


_SEQUENCE, _SET, _INTEGER, _OCTETS, _OID, _NULL = 0x30, 0x31, 0x02, 0x04, 0x06, b"\x05\x00"
_CONTEXT_0, _DIRECTORY_NAME = 0xA0, 0xA4


def _der(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(size))) + size + content


def _oid(encoded: str) -> bytes:
    return _der(_OID, bytes.fromhex(encoded))


def _attribute(type_: bytes, value: bytes) -> bytes:
    return _der(_SEQUENCE, type_, _der(_SET, value))


_VERSION_1 = _der(_INTEGER, b"\x01")
_SIGNED_DATA = _oid("2a864886f70d010702")
_DATA = _oid("2a864886f70d010701")
_SHA256 = _der(_SEQUENCE, _oid("608648016503040201"), _NULL)
_SHA256_WITH_RSA = _der(_SEQUENCE, _oid("2a864886f70d01010b"), _NULL)
_ECDSA_WITH_SHA256 = _der(_SEQUENCE, _oid("2a8648ce3d040302"))
_CONTENT_TYPE = _attribute(_oid("2a864886f70d010903"), _DATA)
_MESSAGE_DIGEST = _oid("2a864886f70d010904")
_SIGNING_CERTIFICATE_V2 = _oid("2a864886f70d010910022f")


def _cms(identity: SigningIdentity, digest: bytes, signature: bytes) -> bytes:
    """ContentInfo of a detached SignedData with one signer."""
    certificates = {_certificate(identity), *(_encoded(link) for link in identity.chain)}
    signer = _der(
        _SEQUENCE,
        _VERSION_1,
        _der(_SEQUENCE, identity.certificate.issuer.public_bytes(), _serial(identity)),
        _SHA256,
        # The attributes are signed as a SET, and stand here under another tag.
        bytes((_CONTEXT_0,)) + _signed_attributes(identity, digest)[1:],
        _SHA256_WITH_RSA if isinstance(identity.key, rsa.RSAPrivateKey) else _ECDSA_WITH_SHA256,
        _der(_OCTETS, signature),
    )
    signed = _der(
        _SEQUENCE,
        _VERSION_1,
        _der(_SET, _SHA256),
        _der(_SEQUENCE, _DATA),
        _der(_CONTEXT_0, *sorted(certificates)),
        _der(_SET, signer),
    )
    return _der(_SEQUENCE, _SIGNED_DATA, _der(_CONTEXT_0, signed))


def _signed_attributes(identity: SigningIdentity, digest: bytes) -> bytes:
    """What PAdES wants signed: the digest of the file, and which certificate signs (ESSCertIDv2, RFC 5035)."""
    issuer = _der(_SEQUENCE, _der(_DIRECTORY_NAME, identity.certificate.issuer.public_bytes()))
    certificate_id = _der(
        _SEQUENCE, _der(_OCTETS, sha256(_certificate(identity)).digest()), _der(_SEQUENCE, issuer, _serial(identity))
    )
    attributes = (
        _CONTENT_TYPE,
        _attribute(_MESSAGE_DIGEST, _der(_OCTETS, digest)),
        _attribute(_SIGNING_CERTIFICATE_V2, _der(_SEQUENCE, _der(_SEQUENCE, certificate_id))),
    )
    return _der(_SET, *sorted(attributes))


def _serial(identity: SigningIdentity) -> bytes:
    number = identity.certificate.serial_number
    return _der(_INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _certificate(identity: SigningIdentity) -> bytes:
    return _encoded(identity.certificate)


def _encoded(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)
