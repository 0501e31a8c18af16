"""Pictures that attributes name by address: fetched once, from where it is allowed, and only if they are pictures."""

import io
import ssl
import threading
import time
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from databases import on_one_database
from PIL import Image
from sqlalchemy import text

from testamur.designs import fetched_pictures
from testamur.designs.assets import WorkspaceAssets, add_asset
from testamur.designs.fetched_pictures import FetchedPictures
from testamur.errors import Invalid, Unavailable
from testamur.outgoing import addresses
from testamur.outgoing.fetching import FetchFailed, fetch
from testamur.rendering.pictures import prepare_picture

AT = datetime(2026, 11, 24, tzinfo=UTC)
TAG = "custom.photo"


def png(color, size=(8, 8)):
    made = io.BytesIO()
    Image.new("RGB", size, color).save(made, "PNG")
    return made.getvalue()


class Site:
    """A server that answers as its paths say, and counts what it is asked."""

    def __init__(self, context=None):
        self.asked = []
        self.bytes_sent = 0
        self.pages = {"/good.png": (200, png("red"))}
        self.redirects = {}
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                site.asked.append((self.path, dict(self.headers)))
                try:
                    site.answer(self)
                except OSError:
                    self.close_connection = True

            def log_message(self, *_arguments):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_arguments):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        if context is not None:
            self.server.socket = context.wrap_socket(
                self.server.socket, server_side=True, do_handshake_on_connect=False
            )
        scheme = "http" if context is None else "https"
        self.url = f"{scheme}://localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def answer(self, handler):
        if handler.path in self.redirects:
            handler.send_response(302)
            handler.send_header("Location", self.redirects[handler.path])
            handler.send_header("Content-Length", "0")
            handler.end_headers()
        elif handler.path == "/endless":
            handler.send_response(200)
            handler.end_headers()
            handler.close_connection = True
            for _ in range(16 * 1024):  # 1 GB
                handler.wfile.write(b"\x89PNG" * 16384)
                self.bytes_sent += 65536
        elif handler.path == "/announced":
            handler.send_response(200)
            handler.send_header("Content-Length", str(10**9))
            handler.end_headers()
            handler.close_connection = True
        elif handler.path == "/drip":
            handler.send_response(200)
            handler.end_headers()
            handler.close_connection = True
            for _ in range(100):
                handler.wfile.write(b"\x89")
                time.sleep(0.05)
        else:
            status, content = self.pages.get(handler.path, (404, b"no"))
            handler.send_response(status)
            handler.send_header("Content-Length", str(len(content)))
            handler.end_headers()
            handler.wfile.write(content)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def site():
    made = Site()
    yield made
    made.close()


@pytest.fixture
def secure_site(tmp_path, monkeypatch):
    """One with TLS, whose certificate for localhost is trusted in this test."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.2"))]
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "server.pem").write_bytes(pem + private)
    (tmp_path / "trusted.pem").write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted.pem"))
    made = Site(context)
    yield made
    made.close()


@pytest.fixture
def pictures(platform):
    return FetchedPictures(platform.database, platform.storage, allow_private=True)


def stored(platform):
    with platform.database.read() as tx:
        return [tx.execute(text(f"SELECT count(*) FROM {table}")).scalar() for table in ("assets", "fetched_pictures")]


def test_an_address_is_fetched_once_and_stands_for_what_was_there(platform, tenant, other_tenant, site, pictures):
    values = {TAG: f"{site.url}/good.png", "custom.none": "", "recipient.name": "Ada"}
    found = pictures.resolve(tenant.workspace.id, values, {TAG, "custom.none", "custom.unknown"})
    assert found.keys() == {TAG}
    assets = WorkspaceAssets(platform.storage, tenant.workspace.id)
    digest = found[TAG].removeprefix("asset:")
    assert assets.read(digest) == png("red")
    ((path, headers),) = site.asked
    assert path == "/good.png"
    assert headers["Host"] == site.url.removeprefix("http://")
    assert not {"Cookie", "Authorization"} & headers.keys()
    site.pages["/good.png"] = (200, png("blue"))
    anew = FetchedPictures(platform.database, platform.storage, allow_private=True)
    assert anew.resolve(tenant.workspace.id, values, {TAG}) == found
    assert anew.problems(tenant.workspace.id, values, {TAG}) == []
    assert len(site.asked) == 1
    # What one workspace has seen is nothing to another.
    theirs = anew.resolve(other_tenant.workspace.id, values, {TAG})
    assert theirs != found
    assert len(site.asked) == 2
    with pytest.raises(Invalid, match=r"\[custom.photo\] cannot be used: the workspace has no such picture"):
        anew.resolve(other_tenant.workspace.id, {TAG: found[TAG]}, {TAG})


def test_many_at_once_ask_once(platform, tenant, site, pictures):
    results = []

    def ask():
        results.append(pictures.resolve(tenant.workspace.id, {TAG: f"{site.url}/good.png"}, {TAG})[TAG])

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(results) == 6
    assert len(set(results)) == 1
    assert len(site.asked) == 1


def bomb():
    """A picture of some kilobytes that would be 900 million pixels."""
    return png(0, (1, 1)).replace(b"\x00\x00\x00\x01\x00\x00\x00\x01", b"\x00\x00\x75\x30\x00\x00\x75\x30", 1)


@pytest.mark.parametrize(
    ("path", "page", "kind", "why"),
    [
        ("/missing.png", None, Unavailable, "answered 404"),
        ("/broken", (500, b"oops"), Unavailable, "answered 500"),
        ("/endless", None, Invalid, "larger than 10 MiB"),
        ("/announced", None, Invalid, "larger than 10 MiB"),
        ("/drip", None, Unavailable, "not there within 2 seconds"),
        ("/page.png", (200, b"<html>a page</html>"), Invalid, "not an SVG picture"),
        ("/empty.png", (200, b""), Invalid, "not a PNG, JPEG, WebP, GIF or SVG picture"),
        ("/bomb.png", (200, bomb()), Invalid, "picture"),
        ("/truncated.png", (200, png("red", (64, 64))[:-40]), Invalid, "broken or incomplete"),
    ],
)
def test_what_is_no_picture_in_time_is_told_kept_nowhere_and_not_asked_for_again_at_once(
    platform, tenant, site, pictures, monkeypatch, path, page, kind, why
):
    monkeypatch.setattr(fetched_pictures, "FETCH_SECONDS_MAX", 2 if path == "/drip" else 20)
    if page is not None:
        site.pages[path] = page
    values = {TAG: site.url + path}
    began = time.monotonic()
    with pytest.raises(kind) as caught:
        pictures.resolve(tenant.workspace.id, values, {TAG})
    assert time.monotonic() - began < 15
    assert caught.value.message.endswith(why) or why in caught.value.message
    assert "The picture of [custom.photo] cannot be used: " in caught.value.message
    assert stored(platform) == [0, 0]
    assert site.bytes_sent < 64 * 1024 * 1024
    (problem,) = pictures.problems(tenant.workspace.id, values, {TAG})
    assert problem.path == ("custom_attributes", TAG)
    assert why in problem.message
    assert len(site.asked) == 1
    monkeypatch.setattr(fetched_pictures.time, "monotonic", lambda now=time.monotonic: now() + 61)
    site.pages[path] = (200, png("green"))
    if path in {"/endless", "/announced", "/drip"}:
        return
    assert pictures.resolve(tenant.workspace.id, values, {TAG})[TAG].startswith("asset:")
    assert len(site.asked) == 2


@on_one_database
def test_redirects_are_followed_a_few_times(platform, tenant, site, pictures):
    for number in range(5):
        site.redirects[f"/{number}"] = f"/{number + 1}"
    site.redirects["/3"] = "/good.png"
    assert pictures.resolve(tenant.workspace.id, {TAG: f"{site.url}/1"}, {TAG}) != {}
    with pytest.raises(Unavailable, match="redirected more than 3 times"):
        pictures.resolve(tenant.workspace.id, {TAG: f"{site.url}/0"}, {TAG})


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "[::1]", "0.0.0.0", "2130706433", "10.0.0.1", "[::ffff:7f00:1]"]
)
def test_private_networks_are_never_asked(secure_site, host):
    url = secure_site.url.replace("localhost", host) + "/good.png"
    with pytest.raises(FetchFailed, match=r"private network|no connection"):
        fetch(url, accept="*/*", bytes_max=1000, seconds=10, allow_private=False)
    assert secure_site.asked == []


@on_one_database
def test_no_redirect_leads_into_a_private_network_or_out_of_tls(platform, tenant, secure_site, site, monkeypatch):
    careful = FetchedPictures(platform.database, platform.storage, allow_private=False)
    with pytest.raises(Invalid, match="leads to a private network"):
        careful.resolve(tenant.workspace.id, {TAG: f"{secure_site.url}/other.png"}, {TAG})
    assert (secure_site.asked, stored(platform)) == ([], [0, 0])
    # From here on the site's own address counts as public, and all others as what they are.
    really_public = addresses.is_public
    monkeypatch.setattr(
        addresses, "is_public", lambda address: address in {"127.0.0.1", "::1"} or really_public(address)
    )
    found = careful.resolve(tenant.workspace.id, {TAG: f"{secure_site.url}/good.png"}, {TAG})
    assert found[TAG].startswith("asset:")
    secure_site.redirects["/private"] = secure_site.url.replace("localhost", "127.0.0.2") + "/good.png"
    secure_site.redirects["/plain"] = f"{site.url}/good.png"
    secure_site.redirects["/file"] = "file:///etc/passwd"
    secure_site.redirects["/nowhere"] = "https://:443/"
    for path, why in (
        ("/private", "leads to a private network"),
        ("/plain", "does not start with https://"),
        ("/file", "does not start with https://"),
        ("/nowhere", "cannot be used"),
    ):
        with pytest.raises(Invalid, match=why):
            careful.resolve(tenant.workspace.id, {TAG: secure_site.url + path}, {TAG})
    assert site.asked == []
    assert [path for path, _ in secure_site.asked] == ["/good.png", "/private", "/plain", "/file", "/nowhere"]


def test_a_certificate_that_is_not_trusted_is_not_accepted(secure_site, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(FetchFailed, match="no connection"):
        fetch(f"{secure_site.url}/good.png", accept="*/*", bytes_max=1000, seconds=10, allow_private=True)
    assert secure_site.asked == []


def test_other_values_are_no_pictures(tenant, pictures):
    for value in ("a picture", date(2026, 11, 24), "ftp://example.com/x", "asset:zz", "asset:" + "0" * 64):
        with pytest.raises(Invalid, match=r"\[custom.photo\] cannot be used"):
            pictures.resolve(tenant.workspace.id, {TAG: value}, {TAG})


def test_a_picture_of_the_workspace_stands_for_itself_and_every_fault_is_told(platform, tenant, pictures):
    with platform.database.write() as tx:
        digest = add_asset(tx, platform.storage, tenant.workspace.id, prepare_picture(png("red")), at=AT)
    values = {"custom.a": f"asset:{digest}", "custom.b": "x", "custom.c": "https://localhost:1/x.png"}
    assert pictures.resolve(tenant.workspace.id, values, {"custom.a"}) == {"custom.a": f"asset:{digest}"}
    problems = pictures.problems(tenant.workspace.id, values, values.keys())
    assert [problem.path[1] for problem in problems] == ["custom.b", "custom.c"]
