"""What every command begins with."""

import getpass
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import click

from testamur.audit.model import Actor
from testamur.audit.recording import record_action
from testamur.config import read_settings
from testamur.credential_templates.model import CredentialTemplate
from testamur.credential_templates.queries import get_credential_template
from testamur.db import Transaction
from testamur.errors import NotFound
from testamur.ids import normalize_id
from testamur.logs import configure_logs
from testamur.web.platform import Platform, open_platform
from testamur.web.starting import start
from testamur.workspaces.model import Workspace
from testamur.workspaces.queries import find_workspace_by_slug, list_workspaces

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
workspace_option = click.option("--workspace", metavar="SLUG", help="Which workspace; may be left out if there is one.")


@contextmanager
def opened_platform() -> Iterator[Platform]:
    """The settings' database, brought up to date, and storage. Raises WrongMasterKey."""
    settings = read_settings()
    configure_logs(settings.log_level, settings.log_format)
    platform = open_platform(settings)
    try:
        start(platform)
        yield platform
    finally:
        platform.close()


def find_workspace(tx: Transaction, slug: str | None) -> Workspace:
    """The workspace of that slug, or the only one. Raises NotFound, or UsageError if it must be named."""
    if slug is not None:
        found = find_workspace_by_slug(tx, slug)
        if found is None:
            raise NotFound(f"There is no workspace {slug}; testamur workspace list shows those there are")
        return found
    everyone = list_workspaces(tx)
    if not everyone:
        raise NotFound("There is no workspace yet; make one with testamur bootstrap or testamur workspace create")
    if len(everyone) > 1:
        raise click.UsageError(f"Name one of the workspaces with --workspace: {', '.join(w.slug for w in everyone)}")
    return everyone[0]


def find_template(tx: Transaction, workspace: Workspace, given: str) -> CredentialTemplate:
    """The credential template of that id. Raises NotFound that names both."""
    template_id = normalize_id(given)
    try:
        if template_id is None:
            raise NotFound
        return get_credential_template(tx, workspace.id, template_id)
    except NotFound:
        raise NotFound(f"The workspace {workspace.slug} has no credential template {given}") from None


def record(
    tx: Transaction,
    workspace_id: str,
    action: str,
    *,
    subject: str | None = None,
    details: Mapping[str, Any] | None = None,
    at: datetime,
) -> None:
    """Write into the audit log what the operator does in this transaction."""
    record_action(tx, workspace_id, _operator(), action, subject=subject, details=details, at=at)


def _operator() -> Actor:
    """Whoever runs the command, by the name that the machine knows."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):  # In a container the user may have a number and no name.
        name = f"uid {os.getuid()}"
    return Actor("operator", "", name[:255])


def print_json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def print_table(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """Columns as wide as what stands in them."""
    widths = [max(len(row[at]) for row in [headings, *rows]) for at in range(len(headings))]
    for row in [headings, *rows]:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
