"""Who signs PDFs: a private key, its certificate and the certificates above it, read from a PKCS #12 file.

Such a file names itself how many rounds its password takes to check, billions if it likes, and the library cannot be
interrupted meanwhile. So files are opened by a process of their own: this module, run as a program.
"""

import subprocess
import sys
import warnings
from datetime import datetime
from typing import Literal

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import pkcs12

from testamur.errors import Invalid

PKCS12_BYTES_MAX = 64 * 1024
PASSWORD_LENGTH_MAX = 1024
RSA_BITS_MIN, RSA_BITS_MAX = 2048, 8192
CHAIN_MAX = 10
OPENING_SECONDS_MAX = 20.0

SigningKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_WEAK_HASHES = (hashes.MD5, hashes.SHA1)
_FILE = ("pkcs12",)
_CONVERT = "openssl pkcs12 -export -inkey KEY.pem -in CERTIFICATE.pem -certfile CHAIN.pem -out FILE.p12"


class SigningIdentity(msgspec.Struct, frozen=True):
    """Signs PDFs. The chain is what stands between the certificate and its root, in the file's order."""

    key: SigningKey
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]

    @classmethod
    def from_pem(cls, text: str) -> "SigningIdentity":
        """What `pem` gave; it was checked before, so a key is not examined again."""
        content = text.encode()
        key = serialization.load_pem_private_key(content, None, unsafe_skip_rsa_key_validation=True)
        certificate, *chain = x509.load_pem_x509_certificates(content)
        assert isinstance(key, SigningKey)
        return cls(key, certificate, tuple(chain))

    @property
    def pem(self) -> str:
        """All of it as text, the key in clear: to be encrypted."""
        return (_pem_of_key(self.key) + b"".join(map(_pem_of_certificate, (self.certificate, *self.chain)))).decode()


class _Opened(msgspec.Struct):
    """What was in a file, as PEM."""

    key: bytes | None = None
    certificate: bytes | None = None
    others: list[bytes] = []
    error: Literal["", "file", "password"] = ""


def read_identity(content: bytes, password: str, *, at: datetime) -> SigningIdentity:
    """The identity in a PKCS #12 file (.p12, .pfx) that may sign PDFs at that time.

    Raises Invalid with the path `pkcs12` or `password`. This takes a fifth of a second, and OPENING_SECONDS_MAX if the file is hostile.
    """
    if content.lstrip().startswith(b"-----BEGIN"):
        raise Invalid(f"Is a PEM file; make it a PKCS #12 file: {_CONVERT}", _FILE)
    if len(content) > PKCS12_BYTES_MAX:
        raise Invalid(f"Must be at most {PKCS12_BYTES_MAX // 1024} kB", _FILE)
    if len(password) > PASSWORD_LENGTH_MAX:
        raise Invalid(f"Must be at most {PASSWORD_LENGTH_MAX} characters", ("password",))
    opened = _open(content, password)
    key, certificate = _key_and_certificate(opened)
    if len(opened.others) > CHAIN_MAX:
        raise Invalid(f"Must hold at most {CHAIN_MAX} certificates beside the one that signs", _FILE)
    try:
        identity = SigningIdentity(
            _checked_key(key),
            _checked_certificate(certificate, at),
            tuple(x509.load_pem_x509_certificate(other) for other in opened.others),
        )
        for link in identity.chain:
            # What a root says of itself proves nothing, so it matters not how it is signed.
            if link.issuer != link.subject:
                _check_hash(link)
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension) as error:
        raise Invalid(f"Holds a key or a certificate that cannot be used: {error}", _FILE) from None
    return identity


def why_not_in_force(certificate: x509.Certificate, at: datetime) -> str | None:
    """Why a certificate signs nothing at that time; None if it may."""
    if at < certificate.not_valid_before_utc:
        return f"is valid only from {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
    if at > certificate.not_valid_after_utc:
        return f"expired on {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
    return None


def _key_and_certificate(opened: _Opened) -> tuple[bytes, bytes]:
    if opened.error == "file":
        raise Invalid("Is not a PKCS #12 file (.p12, .pfx), or a damaged one", _FILE)
    if opened.error == "password":
        raise Invalid("Does not open the file", ("password",))
    if opened.key is None:
        raise Invalid("Holds no private key; export the certificate together with its key", _FILE)
    if opened.certificate is None:
        if opened.others:
            raise Invalid("Holds a key and a certificate that do not belong together", _FILE)
        raise Invalid("Holds no certificate; export the key together with its certificate", _FILE)
    return opened.key, opened.certificate


def _checked_key(pem: bytes) -> SigningKey:
    key = serialization.load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)
    if isinstance(key, rsa.RSAPrivateKey):
        if not RSA_BITS_MIN <= key.key_size <= RSA_BITS_MAX:
            raise Invalid(
                f"Holds an RSA key of {key.key_size} bits; it must have {RSA_BITS_MIN} to {RSA_BITS_MAX}", _FILE
            )
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, _CURVES):
        return key
    raise Invalid("Holds a key that PDF programs cannot check; it must be RSA, or EC on P-256, P-384 or P-521", _FILE)


def _checked_certificate(pem: bytes, at: datetime) -> x509.Certificate:
    certificate = x509.load_pem_x509_certificate(pem)
    fault = why_not_in_force(certificate, at)
    if fault is not None:
        raise Invalid(f"Holds a certificate that {fault}", _FILE)
    _check_hash(certificate)
    certificate.subject.rfc4514_string()  # Names are only read now, and may turn out to be broken.
    if certificate.serial_number < 0 or certificate.issuer.public_bytes() not in certificate.tbs_certificate_bytes:
        # A signature names its certificate by these two, in the very bytes that stand in the certificate.
        raise Invalid("Holds a certificate with a serial number or an issuer that is not encoded as it must be", _FILE)
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return certificate
    if not (usage.digital_signature or usage.content_commitment):
        raise Invalid(
            "Holds a certificate that may not sign: its key usage has neither digitalSignature nor nonRepudiation",
            _FILE,
        )
    return certificate


def _check_hash(certificate: x509.Certificate) -> None:
    used = certificate.signature_hash_algorithm
    if isinstance(used, _WEAK_HASHES):
        raise Invalid(
            f"Holds a certificate ({certificate.subject.rfc4514_string()}) signed with {used.name.upper()}, which can be forged",
            _FILE,
        )


def _open(content: bytes, password: str) -> _Opened:
    command = [sys.executable, "-P", "-m", __name__]
    asked = msgspec.json.encode((content, password))
    try:
        done = subprocess.run(  # noqa: S603 - the command is ours; what was given goes to its standard input
            command, input=asked, capture_output=True, timeout=OPENING_SECONDS_MAX, check=False
        )
    except subprocess.TimeoutExpired:
        raise Invalid(
            f"Takes more than {OPENING_SECONDS_MAX:g} seconds to open; export it with fewer iterations", _FILE
        ) from None
    return msgspec.json.decode(done.stdout, type=_Opened) if done.returncode == 0 else _Opened(error="file")


def _answer(content: bytes, password: str) -> _Opened:
    """Opens the file, and checks that an RSA key is whole."""
    try:
        with warnings.catch_warnings():
            # Windows writes such files in BER, of which the library warns.
            warnings.simplefilter("ignore")
            found = pkcs12.load_pkcs12(content, password.encode())
        key = None if found.key is None else _pem_of_key(found.key)
        if key is not None:
            serialization.load_pem_private_key(key, None)
    except ValueError as error:
        return _Opened(error="password" if "password" in str(error) else "file")
    return _Opened(
        key=key,
        certificate=None if found.cert is None else _pem_of_certificate(found.cert.certificate),
        others=[_pem_of_certificate(other.certificate) for other in found.additional_certs],
    )


def _pem_of_key(key: PrivateKeyTypes) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _pem_of_certificate(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


if __name__ == "__main__":
    sys.stdout.buffer.write(
        msgspec.json.encode(_answer(*msgspec.json.decode(sys.stdin.buffer.read(), type=tuple[bytes, str])))
    )
