import click

from testamur.cli.platform import json_option, opened_platform, print_json
from testamur.status_lists.allocating import close_lists


@click.group("status-lists")
def status_lists_group() -> None:
    """Where it stands that credentials are revoked."""


@status_lists_group.command("renew")
@json_option
def renew_command(*, as_json: bool) -> None:
    """Begin new status lists, after an older backup was restored.

    The restored lists have forgotten which places they gave since, and would give them again. They go on being served;
    what is issued from now on has places in new ones.
    """
    with opened_platform() as platform, platform.database.write() as tx:
        closed = close_lists(tx)
    if as_json:
        print_json({"closed": closed})
    else:
        click.echo(f"Closed {closed} status lists; what is issued next begins new ones")
