"""The ways out: TLS from the start, STARTTLS, a login; and a server that cannot prove who it is."""

import datetime as dt
import ipaddress
import socket
import ssl
from email.message import EmailMessage

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from testamur.delivery import transports
from testamur.delivery.transports import Refused, SMTPTransport, Unreachable


class Kept:
    def __init__(self):
        self.messages = []

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 - the name that aiosmtpd calls.
        self.messages.append(envelope)
        return "250 Taken"


def authenticate(_server, _session, _envelope, _mechanism, given):
    is_right = isinstance(given, LoginPassword) and (given.login, given.password) == (b"us@er", b"p@ss:w/ord")
    return AuthResult(success=is_right)


@pytest.fixture
def certificate(tmp_path):
    """A certificate for 127.0.0.1 that nobody but its own file vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file, key_file = tmp_path / "cert.pem", tmp_path / "key.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    no_password = serialization.NoEncryption()
    key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, no_password))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file, key_file)
    return file, context


@pytest.fixture
def serve():
    started = []

    def start(**options):
        kept = Kept()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        controller = Controller(
            kept, hostname="127.0.0.1", port=port, auth_required=True, authenticator=authenticate, **options
        )
        controller.start()
        started.append(controller)
        return port, kept

    yield start
    for controller in started:
        controller.stop()


def message():
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "a@example.org", "b@example.org", "x"
    made.set_content("x")
    return made


def send(url):
    with SMTPTransport(url).open() as outgoing:
        outgoing.send(message())


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
@pytest.mark.parametrize(("scheme", "option"), [("smtp", "tls_context"), ("smtps", "ssl_context")])
def test_a_mail_goes_through_tls_after_a_login(serve, certificate, monkeypatch, scheme, option):
    file, context = certificate
    port, kept = serve(**{option: context}, auth_require_tls=scheme == "smtp")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    send(f"{scheme}://us%40er:p%40ss%3Aw%2Ford@127.0.0.1:{port}")
    assert len(kept.messages) == 1
    monkeypatch.setattr(transports, "TIMEOUT_SECONDS", 1)
    with pytest.raises(Unreachable):
        send(f"{scheme}://us%40er:wrong@127.0.0.1:{port}")
    assert len(kept.messages) == 1


def test_a_server_that_cannot_prove_who_it_is_gets_no_mail_and_no_password(serve, certificate):
    _, context = certificate
    port, kept = serve(tls_context=context)
    with pytest.raises(Unreachable, match=r"(?i)certificate"):
        send(f"smtp://us%40er:p%40ss%3Aw%2Ford@127.0.0.1:{port}")
    assert kept.messages == []


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
def test_a_server_without_tls_is_not_talked_to_unless_it_is_allowed(serve):
    port, kept = serve(auth_require_tls=False)
    with pytest.raises(Unreachable, match="STARTTLS"):
        send(f"smtp://us%40er:p%40ss%3Aw%2Ford@127.0.0.1:{port}")
    send(f"smtp://us%40er:p%40ss%3Aw%2Ford@127.0.0.1:{port}?starttls=never")
    assert len(kept.messages) == 1


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
def test_what_the_server_will_not_take_without_a_login_is_refused(serve):
    port, _ = serve(auth_require_tls=False)
    with pytest.raises(Refused) as caught:
        send(f"smtp://127.0.0.1:{port}?starttls=never")
    assert caught.value.is_final
