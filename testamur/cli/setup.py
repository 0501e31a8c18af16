"""The first set-up: a workspace, its attributes and starter designs, its owner, and an access token."""

import click
import msgspec

from testamur.accounts.creating import add_member, create_account
from testamur.accounts.editing import new_password
from testamur.accounts.passwords import hash_password
from testamur.accounts.queries import count_accounts
from testamur.attributes.defining import define_attribute
from testamur.attributes.queries import attribute_types
from testamur.cli.platform import json_option, opened_platform, print_json, record
from testamur.clock import now
from testamur.designs.model import Design
from testamur.designs.starters import add_starters
from testamur.signing_keys.creating import add_keys
from testamur.tokens.creating import create_token
from testamur.web.platform import Platform
from testamur.workspaces.creating import create_workspace
from testamur.workspaces.model import Workspace
from testamur.workspaces.queries import find_workspace_by_slug, list_workspaces

DEFAULT_SLUG = "default"
DEFAULT_NAME = "My organisation"
# The example spreadsheet uses these; they also show how custom attributes look.
EXAMPLE_TAGS = ("custom.instructor", "custom.hours")


class FirstOwner(msgspec.Struct, frozen=True):
    """The account that a set-up made, with its password, which is not kept and cannot be shown again."""

    email: str
    password: str


class Bootstrapped(msgspec.Struct, frozen=True, kw_only=True):
    """What a set-up made or found; the token is new each time."""

    workspace: Workspace
    token: str
    designs: list[Design]
    base_url: str
    owner: FirstOwner | None


def bootstrap(platform: Platform) -> Bootstrapped:
    """Make what is missing of the first set-up, and a new token. Safe to repeat."""
    at = now()
    with platform.database.write() as tx:
        workspace = find_workspace_by_slug(tx, DEFAULT_SLUG)
        if workspace is None:
            workspace = create_workspace(tx, name=DEFAULT_NAME, slug=DEFAULT_SLUG, at=at)
            record(tx, workspace.id, "workspace.created", at=at)
        defined = attribute_types(tx, workspace.id)
        for tag in EXAMPLE_TAGS:
            if tag not in defined:
                define_attribute(tx, workspace.id, tag=tag, at=at)
        add_keys(tx, workspace, master_key=platform.master_key, at=at)
        designs = add_starters(tx, platform.storage, workspace.id, at=at)
        token, secret = create_token(tx, workspace.id, name="bootstrap", at=at)
        record(tx, workspace.id, "access_token.created", subject=token.id, details={"name": token.name}, at=at)
    return Bootstrapped(
        workspace=workspace,
        token=secret,
        designs=designs,
        base_url=platform.settings.base_url,
        owner=make_first_owner(platform),
    )


def make_first_owner(platform: Platform) -> FirstOwner | None:
    """An account that owns every workspace, if there is no account at all: else nobody could sign in."""
    with platform.database.read() as tx:
        if count_accounts(tx):
            return None
    owner = FirstOwner(platform.settings.owner_email, new_password())
    # Takes long on purpose, and others cannot write meanwhile.
    password_hash = hash_password(owner.password)
    at = now()
    with platform.database.write() as tx:
        if count_accounts(tx):
            return None
        account = create_account(tx, email=owner.email, name="Owner", password_hash=password_hash, at=at)
        for workspace in list_workspaces(tx):
            add_member(tx, workspace.id, account.id, "owner", at=at)
    return owner


@click.command("bootstrap")
@json_option
def bootstrap_command(*, as_json: bool) -> None:
    """Make the first workspace, its owner, its designs and a token.

    Safe to repeat: what is there is left as it is, only the access token is a new one.
    """
    with opened_platform() as platform:
        made = bootstrap(platform)
    workspace = made.workspace
    if as_json:
        print_json(
            {
                "workspace": {"id": workspace.id, "name": workspace.name, "slug": workspace.slug},
                "token": made.token,
                "designs": [{"id": d.id, "name": d.name, "type": d.type} for d in made.designs],
                "owner": made.owner and {"email": made.owner.email, "password": made.owner.password},
                "urls": {
                    "api": f"{made.base_url}/v1",
                    "dashboard": f"{made.base_url}/sign-in",
                    "wallet": f"{made.base_url}/credentials",
                },
            }
        )
        return
    click.echo(f"Workspace     {workspace.slug}   {workspace.name}")
    click.echo(f"Access token  {made.token}   (shown this once; keep it)")
    if made.owner is not None:
        click.echo(f"Sign in       {made.base_url}/sign-in")
        click.echo(f"Email         {made.owner.email}")
        click.echo(f"Password      {made.owner.password}   (shown this once; keep it)")
    for design in made.designs:
        click.echo(f"{design.type.capitalize():<13} {design.id}   {design.name}")
