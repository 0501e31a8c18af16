from pathlib import Path
from typing import get_args

import click
from msgspec import UNSET, UnsetType

from testamur.cli.platform import find_workspace, json_option, opened_platform, print_json, print_table, record
from testamur.clock import now
from testamur.designs.starters import add_starters
from testamur.errors import NotFound
from testamur.rendering.signing_identity import read_identity
from testamur.signing_keys.creating import add_keys
from testamur.workspaces.creating import create_workspace, set_plan
from testamur.workspaces.editing import update_workspace
from testamur.workspaces.model import EmailForm, NameForm, PdfCertificate, Workspace
from testamur.workspaces.pdf_certificate import get_pdf_certificate, remove_pdf_certificate, set_pdf_certificate
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
    """Make a workspace with its keys and the starter designs."""
    with opened_platform() as platform, platform.database.write() as tx:
        at = now()
        workspace = create_workspace(
            tx, name=name, slug=slug, website_url=website, support_email=email, time_zone=time_zone, at=at
        )
        add_keys(tx, workspace, master_key=platform.master_key, at=at)
        add_starters(tx, platform.storage, workspace.id, at=at)
        record(tx, workspace.id, "workspace.created", at=at)
    if as_json:
        print_json(_as_json(workspace))
    else:
        click.echo(f"Made workspace {workspace.slug} ({workspace.id})")


@workspace_group.command("update")
@click.argument("slug")
@click.option("--name", help="What the issuer is called.")
@click.option("--slug", "new_slug", metavar="NEW", help="Another slug; the old one goes on leading here.")
@click.option("--website", metavar="URL", help="Website of the issuer.")
@click.option("--email", help="Address at which the issuer can be asked.")
@click.option("--description", metavar="TEXT", help="Some sentences about the issuer.")
@click.option("--logo", metavar="URL", help="Where the issuer's logo is, as PNG or SVG.")
@click.option("--names", type=click.Choice(get_args(NameForm)), help="How signed credentials state names.")
@click.option("--emails", type=click.Choice(get_args(EmailForm)), help="How signed credentials state email addresses.")
@click.option("--indexed/--not-indexed", default=None, help="Whether search engines may list its credentials' pages.")
@json_option
def update_command(
    slug: str,
    *,
    name: str | None,
    new_slug: str | None,
    website: str | None,
    email: str | None,
    description: str | None,
    logo: str | None,
    names: NameForm | None,
    emails: EmailForm | None,
    indexed: bool | None,
    as_json: bool,
) -> None:
    """Change what a workspace says of itself; an empty text removes what may be empty."""
    at = now()
    with opened_platform() as platform, platform.database.write() as tx:
        workspace = update_workspace(
            tx,
            find_workspace(tx, slug).id,
            name=name,
            slug=new_slug,
            website_url=_given(website),
            support_email=_given(email),
            description=_given(description),
            logo_url=_given(logo),
            names_in_credentials=names,
            emails_in_credentials=emails,
            is_indexed=indexed,
            at=at,
        )
        record(tx, workspace.id, "workspace.updated", at=at)
    if as_json:
        print_json({**_as_json(workspace), **_profile_as_json(workspace)})
    else:
        click.echo(f"{workspace.slug} is {workspace.name}")


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
        owner, at = find_workspace(tx, slug), now()
        set_plan(tx, owner.id, name, at=at)
        record(tx, owner.id, "workspace.plan_changed", details={"plan": name}, at=at)
    click.echo(f"{slug} has the plan {name}" if name else f"{slug} has no plan: it may use everything")


@workspace_group.command("certificate")
@click.argument("slug")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--password-file",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="Whose first line opens FILE; asked for if left out.",
)
@click.option("--remove", is_flag=True, help="Sign no more.")
@json_option
def certificate_command(
    slug: str, file: Path | None, password_file: Path | None, *, remove: bool, as_json: bool
) -> None:
    """Sign a workspace's PDFs with the PKCS #12 FILE (.p12, .pfx); without FILE, show what it signs with."""
    if remove and file is not None:
        raise click.UsageError("Give FILE or --remove, not both")
    at = now()
    identity = None if file is None else read_identity(file.read_bytes(), _password(password_file), at=at)
    with opened_platform() as platform, platform.database.write() as tx:
        workspace_id = find_workspace(tx, slug).id
        if remove:
            remove_pdf_certificate(tx, workspace_id)
            record(tx, workspace_id, "pdf_certificate.removed", at=at)
            click.echo(f"{slug} signs PDFs no more")
            return
        if identity is None:
            certificate = get_pdf_certificate(tx, workspace_id)
        else:
            certificate = set_pdf_certificate(tx, workspace_id, identity, master_key=platform.master_key, at=at)
            record(tx, workspace_id, "pdf_certificate.set", at=at)
    if as_json:
        print_json(_certificate_as_json(certificate))
    else:
        click.echo(f"{slug} signs PDFs as {certificate.subject} until {certificate.not_after:%Y-%m-%d}")


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


def _profile_as_json(workspace: Workspace) -> dict[str, str | None]:
    return {
        "website": workspace.website_url,
        "email": workspace.support_email,
        "description": workspace.description,
        "logo": workspace.logo_url,
    }


def _given(text: str | None) -> str | UnsetType:
    return UNSET if text is None else text


def _password(file: Path | None) -> str:
    if file is None:
        return str(click.prompt("Password of the file", hide_input=True, default="", show_default=False, err=True))
    with click.open_file(str(file), encoding="utf-8", errors="replace") as opened:
        return str(opened.readline().rstrip("\r\n"))


def _certificate_as_json(certificate: PdfCertificate) -> dict[str, str]:
    return {
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "serial": certificate.serial,
        "notAfter": certificate.not_after.isoformat(),
        "fingerprintSha256": certificate.fingerprint_sha256,
        "createdAt": certificate.created_at.isoformat(),
    }
