"""What each role may do in a workspace. Roles and their order are those of the dashboard; the API acts as an admin."""

from collections.abc import Mapping
from typing import Literal, get_args

Permission = Literal[
    "view",  # Everything in the workspace but its audit log, recipients included.
    "draft_credentials",  # Make, correct and delete drafts.
    "issue_credentials",  # Issue, send, correct, revoke and delete; answer requests of recipients; run imports.
    "edit_designs",
    "edit_templates",  # Credential templates, texts of emails, attributes.
    "manage_integrations",  # Access tokens and webhooks.
    "manage_settings",  # The issuer's profile, its brand, keys.
    "manage_team",
    "read_audit_log",
    "manage_workspace",  # Export or delete all data; make others owners.
]
Role = Literal["owner", "admin", "manager", "draft_manager", "designer", "viewer"]

PERMISSIONS: tuple[Permission, ...] = get_args(Permission)
ROLES: tuple[Role, ...] = get_args(Role)

ALLOWED: Mapping[Role, frozenset[Permission]] = {
    "owner": frozenset(PERMISSIONS),
    "admin": frozenset(PERMISSIONS) - {"manage_workspace"},
    "manager": frozenset({"view", "draft_credentials", "issue_credentials", "edit_designs", "edit_templates"}),
    "draft_manager": frozenset({"view", "draft_credentials"}),
    "designer": frozenset({"view", "edit_designs"}),
    "viewer": frozenset({"view"}),
}
