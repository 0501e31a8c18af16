"""All screens of the dashboard."""

from starlette.routing import Route

from testamur.dashboard import account, home, invitation, passwords, signing_in, style, team, workspaces
from testamur.dashboard.screens import Screen, route
from testamur.web.platform import Platform

SCREENS: tuple[Screen, ...] = (
    *home.SCREENS,
    *signing_in.SCREENS,
    *passwords.SCREENS,
    *invitation.SCREENS,
    *account.SCREENS,
    *workspaces.SCREENS,
    *team.SCREENS,
    *style.SCREENS,
)


def routes(platform: Platform) -> list[Route]:
    return [route(platform, screen) for screen in SCREENS]
