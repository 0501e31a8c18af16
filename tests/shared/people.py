"""Members of workspaces, and what their browsers send."""

from dataclasses import dataclass
from typing import Any

from starlette.testclient import TestClient

PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class Person:
    """A member of a workspace and the secret of a session of theirs."""

    account_id: str
    email: str
    workspace_id: str
    slug: str
    session: str

    @property
    def cookies(self) -> dict[str, str]:
        return {"session": self.session}


class Staff:
    """Requests of one person, as a browser sends them."""

    def __init__(self, client: TestClient, someone: Person) -> None:
        self._client = client
        self.person = someone

    def get(self, path: str, **options: Any) -> Any:
        return self._send("GET", path, **options)

    def post(self, path: str, data: Any = None, **options: Any) -> Any:
        return self._send("POST", path, data=data or {}, **options)

    def _send(self, method: str, path: str, **options: Any) -> Any:
        # A path that begins with ~ is one of the person's workspace.
        path = path.replace("~", f"/w/{self.person.slug}", 1) if path.startswith("~") else path
        headers = {
            "Origin": "http://testserver",
            "Accept": "text/html",
            "Cookie": f"session={self.person.session}",
            **options.pop("headers", {}),
        }
        follow = options.pop("follow_redirects", False)
        answer = self._client.request(method, path, headers=headers, follow_redirects=follow, **options)
        # What a page tells the next one is asked for by tests themselves.
        self._client.cookies.clear()
        return answer
