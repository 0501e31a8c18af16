"""All screens of the dashboard."""

from starlette.routing import Route

from testamur.dashboard import (
    account,
    attributes,
    audit_log,
    change_requests,
    credential,
    credential_templates,
    credentials,
    credentials_bulk,
    designs,
    developers,
    emails,
    home,
    imports,
    invitation,
    issue,
    overview,
    passwords,
    recipients,
    settings,
    signing_in,
    style,
    team,
    workspaces,
)
from testamur.dashboard.screens import Screen, route
from testamur.web.platform import Platform

SCREENS: tuple[Screen, ...] = (
    *account.SCREENS,
    *attributes.SCREENS,
    *audit_log.SCREENS,
    *change_requests.SCREENS,
    *credential.SCREENS,
    *credential_templates.SCREENS,
    *credentials.SCREENS,
    *credentials_bulk.SCREENS,
    *designs.SCREENS,
    *developers.SCREENS,
    *emails.SCREENS,
    *home.SCREENS,
    *imports.SCREENS,
    *invitation.SCREENS,
    *issue.SCREENS,
    *overview.SCREENS,
    *passwords.SCREENS,
    *recipients.SCREENS,
    *settings.SCREENS,
    *signing_in.SCREENS,
    *style.SCREENS,
    *team.SCREENS,
    *workspaces.SCREENS,
)


def routes(platform: Platform) -> list[Route]:
    """In the order in which they are tried: /credentials/export before /credentials/{id}."""
    return [route(platform, screen) for screen in sorted(SCREENS, key=_places_of_parameters)]


def _places_of_parameters(screen: Screen) -> list[bool]:
    return [part.startswith("{") for part in screen.full_path.split("/")]
