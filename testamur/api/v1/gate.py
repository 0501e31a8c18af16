"""What every request under /v1 must pass before anything else is looked at: token, version, rate, in this order."""

import re
from collections.abc import Mapping
from datetime import datetime

from testamur.db import Database
from testamur.errors import InvalidVersion, MissingVersion, Unauthorized
from testamur.tokens.authenticating import authenticate_token, is_use_worth_recording, record_use
from testamur.tokens.model import AccessToken
from testamur.web.rate_limit import RateLimit
from testamur.workspaces.model import Workspace

VERSION_HEADER = "Certifier-Version"
VERSION = "2022-10-26"
_BEARER = re.compile(r"bearer +(\S+) *", re.IGNORECASE)


class Gate:
    """Lets in who holds a token in force, names the version, and stays within the workspace's rate."""

    def __init__(self, database: Database, rate_limit: RateLimit) -> None:
        self._database = database
        self._rate_limit = rate_limit

    def admit(self, headers: Mapping[str, str], at: datetime) -> tuple[AccessToken, Workspace]:
        """The token, and the workspace that it acts for. Raises Unauthorized, MissingVersion, InvalidVersion, RateLimited."""
        given = _BEARER.fullmatch(headers.get("authorization", ""))
        if given is None:
            raise Unauthorized
        with self._database.read() as tx:
            token, workspace = authenticate_token(tx, given[1])
        version = headers.get(VERSION_HEADER.lower())
        if version is None:
            raise MissingVersion
        if version.strip() != VERSION:
            raise InvalidVersion
        self._rate_limit.take(workspace.id)
        if is_use_worth_recording(token, at):
            with self._database.write() as tx:
                record_use(tx, token, at)
        return token, workspace
