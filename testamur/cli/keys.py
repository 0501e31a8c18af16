"""`testamur keys`: the keys that a workspace signs credentials with."""

import sys
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
from testamur.credentials.resigning import count_to_sign_anew, sign_again
from testamur.db import Transaction
from testamur.errors import NotFound
from testamur.signing_keys.compromising import mark_compromised
from testamur.signing_keys.creating import ALGORITHMS
from testamur.signing_keys.model import Algorithm, KeyState, SigningKey
from testamur.signing_keys.queries import get_key, list_keys, states_of
from testamur.signing_keys.retiring import retire_key
from testamur.signing_keys.rotating import rotate_key
from testamur.web.platform import Platform
from testamur.workspaces.model import Workspace

SIGNED_AT_ONCE = 100

_yes_option = click.option("--yes", is_flag=True, help="Do not ask.")


@click.group("keys")
def keys_group() -> None:
    """Keys that credentials are signed with."""


@keys_group.command("list")
@workspace_option
@json_option
def list_command(workspace: str | None, *, as_json: bool) -> None:
    """List keys, retired and compromised ones too."""
    with opened_platform() as platform, platform.database.read() as tx:
        found = list_keys(tx, find_workspace(tx, workspace).id)
    states = states_of(found, now())
    if as_json:
        print_json([_as_json(key, states[key.id]) for key in found])
        return
    rows = [(key.id, key.algorithm, states[key.id], _text(key.active_from), _text(_end_of(key))) for key in found]
    print_table(("KEY", "ALGORITHM", "STATE", "SIGNS FROM", "UNTIL"), rows)


@keys_group.command("rotate")
@click.option("--algorithm", type=click.Choice(ALGORITHMS), help="Which key; both if left out.")
@workspace_option
@json_option
def rotate_command(algorithm: Algorithm | None, workspace: str | None, *, as_json: bool) -> None:
    """Publish a new key, which signs an hour later.

    By then nobody has a DID document without it any more. The key before is retired when the new one is first used.
    """
    at = now()
    with opened_platform() as platform, platform.database.write() as tx:
        owner = find_workspace(tx, workspace)
        wanted = ALGORITHMS if algorithm is None else (algorithm,)
        made = [rotate_key(tx, owner, each, master_key=platform.master_key, at=at) for each in wanted]
        for key in made:
            record(tx, owner.id, "signing_key.rotated", subject=key.id, details={"algorithm": key.algorithm}, at=at)
    if as_json:
        print_json([_as_json(key, "next" if key.active_from > at else "active") for key in made])
        return
    for key in made:
        click.echo(f"Published the {key.algorithm} key {key.id}, which signs from {_text(key.active_from)} UTC")


@keys_group.command("retire")
@click.argument("keys", metavar="[KEY]...", nargs=-1)
@workspace_option
@_yes_option
def retire_command(keys: tuple[str, ...], workspace: str | None, *, yes: bool) -> None:
    """Destroy the private part of keys that another signs in place of; without KEY, of all of them.

    What they signed goes on verifying.
    """
    with opened_platform() as platform:
        at = now()
        with platform.database.read() as tx:
            owner = find_workspace(tx, workspace)
            states = states_of(list_keys(tx, owner.id), at)
        wanted = list(dict.fromkeys(keys)) or [key_id for key_id, state in states.items() if state == "superseded"]
        if not wanted:
            click.echo("No key waits to be retired")
            return
        _confirm(f"Destroy the private part of {', '.join(wanted)}? It cannot be brought back", yes=yes)
        with platform.database.write() as tx:
            for key_id in wanted:
                _check_known(tx, owner, key_id)
                retire_key(tx, owner.id, key_id, at=at)
                record(tx, owner.id, "signing_key.retired", subject=key_id, at=at)
    for key_id in wanted:
        click.echo(f"Retired {key_id}")


@keys_group.command("compromised")
@click.argument("key")
@click.option("--reason", metavar="TEXT", help="What happened; kept, and shown by nobody but this command.")
@workspace_option
@_yes_option
@json_option
def compromised_command(key: str, reason: str | None, workspace: str | None, *, yes: bool, as_json: bool) -> None:
    """Trust a key no more: somebody else may have its private part.

    It is taken out of the DID document, another one signs at once, and what it signed is signed anew.
    """
    with opened_platform() as platform:
        _compromise(platform, key, reason, workspace, yes=yes, as_json=as_json)


def _compromise(
    platform: Platform,
    key_id: str,
    reason: str | None,
    slug: str | None,
    *,
    yes: bool,
    as_json: bool,
) -> None:
    with platform.database.read() as tx:
        owner = find_workspace(tx, slug)
        _check_known(tx, owner, key_id)
    _confirm(f"Take {key_id} out of the DID document of {owner.slug}? What it signed verifies no more", yes=yes)
    at = now()
    with platform.database.write() as tx:
        done = mark_compromised(
            tx, owner, key_id, reason=reason, sign_anew=count_to_sign_anew, master_key=platform.master_key, at=at
        )
        record(tx, owner.id, "signing_key.compromised", subject=key_id, at=at)
    if done.key.algorithm == "Ed25519":
        _sign_again(platform, done.signed_anew)
    if as_json:
        replacement = done.replacement and done.replacement.id
        told = {"replacement": replacement, "credentialsSignedAnew": done.signed_anew}
        print_json({**_as_json(done.key, "compromised"), **told})
        return
    click.echo(f"{key_id} is trusted no more")
    if done.replacement is not None:
        click.echo(f"{done.replacement.id} signs from now on")
    click.echo(f"{done.signed_anew} credentials are signed anew")


def _sign_again(platform: Platform, count: int) -> None:
    """Sign anew what the key has signed. If this is cut off, a worker goes on with it."""
    with click.progressbar(length=count, label="Signing anew", file=sys.stderr) as bar:
        while True:
            with platform.database.write() as tx:
                signed = sign_again(tx, platform.signers, limit=SIGNED_AT_ONCE, at=now())
            if not signed:
                return
            bar.update(signed)


def _check_known(tx: Transaction, workspace: Workspace, key_id: str) -> None:
    """Raises NotFound that names both."""
    try:
        get_key(tx, workspace.id, key_id)
    except NotFound:
        raise NotFound(
            f"The workspace {workspace.slug} has no key {key_id}; testamur keys list shows those it has"
        ) from None


def _confirm(question: str, *, yes: bool) -> None:
    """Ends the command unless the operator wants it. Raises UsageError where nobody can be asked."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("This cannot be undone; say --yes")
    click.confirm(question, abort=True, err=True)


def _end_of(key: SigningKey) -> datetime | None:
    """When it signed for the last time, at the latest."""
    return min((moment for moment in (key.retired_at, key.compromised_at) if moment is not None), default=None)


def _text(moment: datetime | None) -> str:
    return "" if moment is None else moment.strftime("%Y-%m-%d %H:%M")


def _as_json(key: SigningKey, state: KeyState) -> dict[str, str | None]:
    def iso(moment: datetime | None) -> str | None:
        return None if moment is None else moment.isoformat()

    return {
        "id": key.id,
        "algorithm": key.algorithm,
        "state": state,
        "createdAt": iso(key.created_at),
        "activeFrom": iso(key.active_from),
        "retiredAt": iso(key.retired_at),
        "compromisedAt": iso(key.compromised_at),
        "reason": key.reason,
    }
