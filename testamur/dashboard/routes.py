"""All screens of the dashboard."""

from starlette.routing import Route

from testamur.dashboard import (
    account,
    credential,
    credential_templates,
    credentials,
    credentials_bulk,
    designs,
    developers,
    home,
    invitation,
    issue,
    passwords,
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
    *credential.SCREENS,
    *credential_templates.SCREENS,
    *credentials.SCREENS,
    *credentials_bulk.SCREENS,
    *designs.SCREENS,
    *developers.SCREENS,
    *home.SCREENS,
    *invitation.SCREENS,
    *issue.SCREENS,
    *passwords.SCREENS,
    *settings.SCREENS,
    *signing_in.SCREENS,
    *style.SCREENS,
    *team.SCREENS,
    *workspaces.SCREENS,
)


def routes(platform: Platform) -> list[Route]:
    # `/credentials/bulk` before `/credentials/{id}`, which would take the word for an id.
    return [route(platform, screen) for screen in sorted(SCREENS, key=lambda screen: "{" in screen.path)]
