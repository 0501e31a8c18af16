"""What a workspace says of itself, as an Open Badges 3.0 Profile."""

from typing import Any

from testamur.workspaces.model import Workspace


def issuer_profile(workspace: Workspace, did: str) -> dict[str, Any]:
    """`id`, `type`, `name` and, of `url`, `email`, `description` and `image`, those that there are.

    What is not there is left out: null and empty values are no Profile.
    """
    image = None if workspace.logo_url is None else {"id": workspace.logo_url, "type": "Image"}
    told = {
        "url": workspace.website_url,
        "email": workspace.support_email,
        "description": workspace.description,
        "image": image,
    }
    known = {name: value for name, value in told.items() if value is not None}
    return {"id": did, "type": ["Profile"], "name": workspace.name, **known}
