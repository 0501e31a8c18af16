from datetime import datetime

import click

from testamur.cli.platform import (
    find_workspace,
    json_option,
    opened_platform,
    print_json,
    print_table,
    record,
    workspace_option,
)
from testamur.clock import now
from testamur.tokens.creating import create_token
from testamur.tokens.model import AccessToken
from testamur.tokens.queries import list_tokens
from testamur.tokens.revoking import revoke_token


@click.group("token")
def token_group() -> None:
    """Access tokens of the API."""


@token_group.command("create")
@click.argument("name")
@workspace_option
@json_option
def create_command(name: str, workspace: str | None, *, as_json: bool) -> None:
    """Make a token; it is shown this once."""
    with opened_platform() as platform, platform.database.write() as tx:
        owner, at = find_workspace(tx, workspace), now()
        token, secret = create_token(tx, owner.id, name=name, at=at)
        record(tx, owner.id, "access_token.created", subject=token.id, details={"name": token.name}, at=at)
    if as_json:
        print_json({**_as_json(token), "token": secret})
    else:
        click.echo(secret)


@token_group.command("list")
@workspace_option
@json_option
def list_command(workspace: str | None, *, as_json: bool) -> None:
    """List tokens, revoked ones too; none is ever shown again."""
    with opened_platform() as platform, platform.database.read() as tx:
        found = list_tokens(tx, find_workspace(tx, workspace).id)
    if as_json:
        print_json([_as_json(token) for token in found])
        return
    rows = [
        (item.id, item.name, f"...{item.secret_end}", _text(item.last_used_at), _text(item.revoked_at))
        for item in found
    ]
    print_table(("ID", "NAME", "ENDS", "LAST USED", "REVOKED"), rows)


@token_group.command("revoke")
@click.argument("token_id", metavar="ID")
@workspace_option
def revoke_command(token_id: str, workspace: str | None) -> None:
    """Refuse a token from now on."""
    with opened_platform() as platform, platform.database.write() as tx:
        owner, at = find_workspace(tx, workspace), now()
        revoke_token(tx, owner.id, token_id.lower(), at=at)
        record(tx, owner.id, "access_token.revoked", subject=token_id.lower(), at=at)
    click.echo("Revoked")


def _text(moment: datetime | None) -> str:
    return "" if moment is None else moment.strftime("%Y-%m-%d %H:%M")


def _as_json(token: AccessToken) -> dict[str, str | None]:
    def iso(moment: datetime | None) -> str | None:
        return None if moment is None else moment.isoformat()

    return {
        "id": token.id,
        "name": token.name,
        "ends": token.secret_end,
        "createdAt": iso(token.created_at),
        "lastUsedAt": iso(token.last_used_at),
        "revokedAt": iso(token.revoked_at),
    }
