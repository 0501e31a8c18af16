import sys

import click

from testamur.cli.platform import find_workspace, json_option, opened_platform, print_json, record, workspace_option
from testamur.clock import now
from testamur.credentials.erasing import credentials_of_address, erase_recipient
from testamur.credentials.renderings import delete_files


@click.group("recipient")
def recipient_group() -> None:
    """Recipients of credentials."""


@recipient_group.command("erase")
@click.argument("email")
@workspace_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def erase_command(email: str, workspace: str | None, *, yes: bool, as_json: bool) -> None:
    """Forget a recipient: their credentials, drafts too, the files, the mails.

    What was signed is revoked for good. Only its place in the status list and its id are kept, which name nobody.
    """
    with opened_platform() as platform:
        with platform.database.read() as tx:
            owner = find_workspace(tx, workspace)
            found = credentials_of_address(tx, owner.id, email)
        if not yes:
            if not sys.stdin.isatty():
                raise click.UsageError("This cannot be undone; say --yes")
            click.confirm(
                f"Delete {len(found)} credentials of {email}? They cannot be brought back", abort=True, err=True
            )
        # First the files: while they cannot be removed the credentials stay, so that the command can be repeated.
        for credential_id in found:
            delete_files(platform.storage, owner.id, credential_id)
        with platform.database.write() as tx:
            at = now()
            count = erase_recipient(tx, owner.id, email, at=at)
            # Whose they were is what is being forgotten.
            record(tx, owner.id, "recipient.erased", details={"credentials": count}, at=at)
    if as_json:
        print_json({"credentials": count})
    else:
        click.echo(f"Erased {count} credentials of {email}")
