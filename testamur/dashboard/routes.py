"""All screens of the dashboard."""

from starlette.routing import Route

from testamur.dashboard import credential, credentials, credentials_bulk, home, signing_in, style
from testamur.dashboard.screens import Screen, route
from testamur.web.platform import Platform

SCREENS: tuple[Screen, ...] = (
    *home.SCREENS,
    *signing_in.SCREENS,
    *style.SCREENS,
    *credentials.SCREENS,
    *credentials_bulk.SCREENS,
    *credential.SCREENS,
)


def routes(platform: Platform) -> list[Route]:
    return [route(platform, screen) for screen in SCREENS]
