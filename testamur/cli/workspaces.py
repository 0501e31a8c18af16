import click

from testamur.cli.platform import find_workspace, json_option, opened_platform, print_json, print_table
from testamur.clock import now
from testamur.designs.starters import add_starters
from testamur.errors import NotFound
from testamur.workspaces.creating import create_workspace, set_plan
from testamur.workspaces.model import Workspace
from testamur.workspaces.queries import list_workspaces


@click.group("workspace")
def workspace_group() -> None:
    """Workspaces: the tenants of this server."""


@workspace_group.command("create")
@click.argument("name")
@click.option("--slug", help="What stands in addresses; made of the name if left out.")
@click.option("--website", metavar="URL", help="Website of the issuer.")
@click.option("--email", help="Address at which the issuer can be asked.")
@click.option("--time-zone", default="UTC", show_default=True, help="Where its days begin, such as Europe/Warsaw.")
@json_option
def create_command(
    name: str, slug: str | None, website: str | None, email: str | None, time_zone: str, *, as_json: bool
) -> None:
    """Make a workspace with the starter designs."""
    with opened_platform() as platform, platform.database.write() as tx:
        at = now()
        workspace = create_workspace(
            tx, name=name, slug=slug, website_url=website, support_email=email, time_zone=time_zone, at=at
        )
        add_starters(tx, platform.storage, workspace.id, at=at)
    if as_json:
        print_json(_as_json(workspace))
    else:
        click.echo(f"Made workspace {workspace.slug} ({workspace.id})")


@workspace_group.command("plan")
@click.argument("slug")
@click.argument("name", required=False)
def plan_command(slug: str, name: str | None) -> None:
    """Give a workspace one of the plans in TESTAMUR_PLANS; without NAME, none.

    A workspace without a plan may use everything.
    """
    with opened_platform() as platform, platform.database.write() as tx:
        plans = platform.settings.plans
        if name is not None and name not in plans:
            known = ", ".join(plans) or "none; describe them in TESTAMUR_PLANS"
            raise NotFound(f"There is no plan {name}; there are {known}")
        set_plan(tx, find_workspace(tx, slug).id, name, at=now())
    click.echo(f"{slug} has the plan {name}" if name else f"{slug} has no plan: it may use everything")


@workspace_group.command("list")
@json_option
def list_command(*, as_json: bool) -> None:
    """List all workspaces."""
    with opened_platform() as platform, platform.database.read() as tx:
        found = list_workspaces(tx)
    if as_json:
        print_json([_as_json(workspace) for workspace in found])
    else:
        print_table(("ID", "SLUG", "NAME"), [(item.id, item.slug, item.name) for item in found])


def _as_json(workspace: Workspace) -> dict[str, str]:
    return {"id": workspace.id, "name": workspace.name, "slug": workspace.slug}
