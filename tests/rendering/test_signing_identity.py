"""Which PKCS #12 files may sign, and what is told of the others."""

import shutil
import subprocess
import threading
import time
from datetime import UTC, datetime

import pytest
from asn1crypto import pkcs12 as asn1
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12

from testamur.errors import Invalid
from testamur.rendering import signing_identity
from testamur.rendering.signing_identity import SigningIdentity, read_identity

AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
PASSWORD = "geheim ü"
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


@pytest.fixture(scope="module")
def key(authority):
    return authority.new_key("p-256")


def refused(content, password=PASSWORD, at=AT):
    with pytest.raises(Invalid) as raised:
        read_identity(content, password, at=at)
    (problem,) = raised.value.problems
    return problem.path[0], problem.message


@pytest.mark.parametrize("kind", ["rsa-2048", "p-256", "p-384"])
def test_a_key_with_its_certificate_and_chain_is_read_and_kept(authority, kind):
    key = authority.new_key(kind)
    certificate = authority.certificate(key)
    identity = read_identity(authority.pkcs12(key, certificate), PASSWORD, at=AT)
    assert identity.key.private_numbers() == key.private_numbers()
    assert identity.certificate == certificate
    assert set(identity.chain) == {authority.intermediate, authority.root}
    again = SigningIdentity.from_pem(identity.pem)
    assert again.key.private_numbers() == key.private_numbers()
    assert (again.certificate, again.chain) == (identity.certificate, identity.chain)
    assert "PRIVATE KEY" in identity.pem
    assert "PRIVATE KEY" not in repr(identity)


def test_a_file_without_a_password_is_read(authority, key):
    certificate = authority.certificate(key)
    content = pkcs12.serialize_key_and_certificates(None, key, certificate, None, NoEncryption())
    assert read_identity(content, "", at=AT).certificate == certificate


@needs_openssl
def test_files_of_openssl_are_read_old_ones_too(authority, key, tmp_path):
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "both.pem").write_bytes(pem + authority.certificate(key).public_bytes(Encoding.PEM))
    command = ["openssl", "pkcs12", "-export", "-in", "both.pem", "-passout", "pass:x", "-keypbe", "AES-256-CBC"]
    for options in ((), ("-certpbe", "PBE-SHA1-3DES"), ("-keypbe", "PBE-SHA1-3DES", "-macalg", "SHA1")):
        made = subprocess.run([*command, *options], cwd=tmp_path, capture_output=True, check=True, timeout=30).stdout
        assert read_identity(made, "x", at=AT).key.private_numbers() == key.private_numbers()


def test_what_cannot_be_opened_is_told(authority, key):
    content = authority.pkcs12(key, authority.certificate(key))
    assert refused(content, "wrong") == ("password", "Does not open the file")
    assert refused(content, "") == ("password", "Does not open the file")
    assert refused(content, "a\0b")[0] in {"password", "pkcs12"}
    assert refused(content, "x" * 2000) == ("password", "Must be at most 1024 characters")
    for other in (b"", b"nonsense", content[:200], b"\x30\x03\x02\x01\x03", b"%PDF-1.7"):
        assert refused(other) == ("pkcs12", "Is not a PKCS #12 file (.p12, .pfx), or a damaged one")
    assert refused(b"\0" * 70_000) == ("pkcs12", "Must be at most 64 kB")
    path, message = refused(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    assert path == "pkcs12"
    assert "openssl pkcs12 -export" in message


def test_what_lacks_or_does_not_belong_together_is_told(authority, key):
    other = authority.certificate(authority.new_key("p-256"))
    for held, certificate, others, told in (
        (None, other, [authority.root], "Holds no private key"),
        (key, None, [], "Holds no certificate"),
        (key, None, [other], "Holds a key and a certificate that do not belong together"),
        (key, authority.certificate(key), [other] * 11, "at most 10 certificates"),
    ):
        content = pkcs12.serialize_key_and_certificates(None, held, certificate, others, NoEncryption())
        path, message = refused(content, "")
        assert path == "pkcs12"
        assert told in message


def test_what_may_not_sign_is_told(authority, key):
    for options, told in (
        ({"days": (-30, -1)}, "Holds a certificate that expired on 2026-11-23 12:00 UTC"),
        ({"days": (1, 30)}, "Holds a certificate that is valid only from 2026-11-25 12:00 UTC"),
        ({"usage": ("key_encipherment",)}, "its key usage has neither digitalSignature nor nonRepudiation"),
    ):
        path, message = refused(authority.pkcs12(key, authority.certificate(key, **options)))
        assert path == "pkcs12"
        assert told in message
    for usage in ("digital_signature", "content_commitment"):
        read_identity(authority.pkcs12(key, authority.certificate(key, usage=(usage,))), PASSWORD, at=AT)


def test_weak_and_unusual_keys_are_told(authority):
    for weak, told in (
        (authority.new_key("rsa-1024"), "Holds an RSA key of 1024 bits; it must have 2048 to 8192"),
        (authority.new_key("k-256"), "must be RSA, or EC on P-256, P-384 or P-521"),
        (ed25519.Ed25519PrivateKey.generate(), "must be RSA, or EC on P-256, P-384 or P-521"),
    ):
        path, message = refused(authority.pkcs12(weak, authority.certificate(weak)))
        assert path == "pkcs12"
        assert told in message


@needs_openssl
def test_a_certificate_signed_with_sha1_is_told(tmp_path):
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-sha1"]
    command += ["-subj", "/CN=Old", "-days", "3650", "-out", "certificate.pem"]
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=True, timeout=60)
    command = ["openssl", "pkcs12", "-export", "-inkey", "key.pem", "-in", "certificate.pem", "-passout", "pass:x"]
    content = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True, timeout=60).stdout
    path, message = refused(content, "x", at=datetime.now(UTC))
    assert path == "pkcs12"
    assert message == "Holds a certificate (CN=Old) signed with SHA1, which can be forged"


def test_a_file_that_takes_for_ever_to_open_holds_nobody_up(authority, key, monkeypatch):
    monkeypatch.setattr(signing_identity, "OPENING_SECONDS_MAX", 1.0)
    file = asn1.Pfx.load(authority.pkcs12(key, authority.certificate(key)))
    file["mac_data"]["iterations"] = 2**31 - 1
    ticks = []
    ended = threading.Event()

    def tick():
        while not ended.wait(0.01):
            ticks.append(time.monotonic())

    ticking = threading.Thread(target=tick)
    ticking.start()
    try:
        path, message = refused(file.dump(force=True))
    finally:
        ended.set()
        ticking.join()
    assert path == "pkcs12"
    assert "Takes more than 1 seconds to open" in message
    # Opened in this process, the library would not let any other thread run meanwhile.
    assert len(ticks) > 10


@needs_openssl
@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_a_certificate_with_a_negative_serial_number_is_told(tmp_path):
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-set_serial", "-5"]
    command += ["-subj", "/CN=Odd", "-days", "3650", "-out", "certificate.pem"]
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=True, timeout=60)
    command = ["openssl", "pkcs12", "-export", "-inkey", "key.pem", "-in", "certificate.pem", "-passout", "pass:x"]
    content = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True, timeout=60).stdout
    assert "serial number" in refused(content, "x", at=datetime.now(UTC))[1]
