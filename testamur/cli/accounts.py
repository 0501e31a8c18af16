from pathlib import Path

import click

from testamur.accounts.creating import add_member, create_account
from testamur.accounts.editing import new_password, set_password
from testamur.accounts.model import Account
from testamur.accounts.passwords import checked_password, hash_password
from testamur.accounts.queries import find_account, list_accounts, list_memberships
from testamur.accounts.roles import ROLES, Role
from testamur.accounts.second_factor import remove_second_factor
from testamur.audit.model import Actor
from testamur.audit.recording import record_action
from testamur.cli.platform import find_workspace, json_option, opened_platform, print_json, print_table
from testamur.clock import now
from testamur.db import Transaction
from testamur.errors import NotFound

_OPERATOR = Actor("operator", "", "operator")
_password_option = click.option(
    "--password-file",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="Whose first line is the password; without it one is made and shown.",
)


@click.group("account")
def account_group() -> None:
    """Accounts of people who work in the dashboard."""


@account_group.command("list")
@json_option
def list_command(*, as_json: bool) -> None:
    """List all accounts, with their roles in workspaces."""
    with opened_platform() as platform, platform.database.read() as tx:
        found = [(account, _roles(tx, account)) for account in list_accounts(tx)]
    if as_json:
        print_json([_as_json(account, roles) for account, roles in found])
        return
    rows = [
        (
            account.email,
            account.name,
            "yes" if account.has_second_factor else "no",
            ", ".join(f"{slug}: {role}" for slug, role in roles.items()),
        )
        for account, roles in found
    ]
    print_table(("EMAIL", "NAME", "SECOND FACTOR", "WORKSPACES"), rows)


@account_group.command("create")
@click.argument("email")
@click.option("--name", help="What the person is called; the email address if left out.")
@click.option("--workspace", metavar="SLUG", help="A workspace that they work in.")
@click.option("--role", type=click.Choice(ROLES), default="owner", show_default=True, help="What they may do there.")
@_password_option
@json_option
def create_command(
    email: str, name: str | None, workspace: str | None, role: Role, password_file: Path | None, *, as_json: bool
) -> None:
    """Make an account, or give one that is there a place in a workspace."""
    with opened_platform() as platform:
        with platform.database.read() as tx:
            is_there = workspace is not None and find_account(tx, email) is not None
        # Hashing takes long on purpose, and others cannot write meanwhile.
        password, password_hash = (None, None) if is_there else _password(password_file, known=(email, name or ""))
        with platform.database.write() as tx:
            at = now()
            account = find_account(tx, email) if is_there else None
            if account is None:
                account = create_account(tx, email=email, name=name or email, password_hash=password_hash, at=at)
            if workspace is not None:
                joined = find_workspace(tx, workspace)
                add_member(tx, joined.id, account.id, role, at=at)
                details = {"role": role}
                record_action(tx, joined.id, _OPERATOR, "member.added", subject=account.id, details=details, at=at)
            roles = _roles(tx, account)
        base_url = platform.settings.base_url
    shown = None if password_file is not None else password
    if as_json:
        print_json({**_as_json(account, roles), "password": shown})
        return
    click.echo(f"{account.email} signs in at {base_url}/sign-in")
    if shown is not None:
        click.echo(f"Password  {shown}   (shown this once)")


@account_group.command("password")
@click.argument("email")
@_password_option
@json_option
def password_command(email: str, password_file: Path | None, *, as_json: bool) -> None:
    """Give an account another password, and sign all its browsers out."""
    with opened_platform() as platform:
        with platform.database.read() as tx:
            account = _get(tx, email)
        password, password_hash = _password(password_file, known=(account.email, account.name))
        with platform.database.write() as tx:
            set_password(tx, account.id, password_hash, at=now())
    shown = None if password_file is not None else password
    if as_json:
        print_json({"email": account.email, "password": shown})
    else:
        click.echo(f"Password  {shown}   (shown this once)" if shown else f"{account.email} has another password")


@account_group.command("remove-second-factor")
@click.argument("email")
def remove_second_factor_command(email: str) -> None:
    """Ask an account for no code any more, when its owner lost the app and the recovery codes."""
    with opened_platform() as platform, platform.database.write() as tx:
        account = _get(tx, email)
        remove_second_factor(tx, account.id, at=now())
    click.echo(f"{account.email} signs in without a code")


def _get(tx: Transaction, email: str) -> Account:
    found = find_account(tx, email)
    if found is None:
        raise NotFound(f"There is no account {email}; testamur account list shows those there are")
    return found


def _roles(tx: Transaction, account: Account) -> dict[str, str]:
    return {membership.workspace.slug: membership.role for membership in list_memberships(tx, account.id)}


def _password(file: Path | None, *, known: tuple[str, ...]) -> tuple[str, str]:
    """The password and its hash. Raises Invalid for a bad one."""
    if file is None:
        password = new_password()
    else:
        with click.open_file(str(file), encoding="utf-8", errors="replace") as opened:
            password = opened.readline().rstrip("\r\n")
    return password, hash_password(checked_password(password, known=known))


def _as_json(account: Account, roles: dict[str, str]) -> dict[str, object]:
    return {
        "id": account.id,
        "email": account.email,
        "name": account.name,
        "secondFactor": account.has_second_factor,
        "workspaces": roles,
        "createdAt": account.created_at.isoformat(),
    }
