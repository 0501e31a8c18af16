"""Addresses of what the public sees of a credential, and the storage keys behind them."""


def page_url(base_url: str, public_id: str) -> str:
    return f"{base_url}/credentials/{public_id}"


def recipient_url(base_url: str, public_id: str) -> str:
    """The page's address as it is given to the recipient and to nobody else."""
    return f"{page_url(base_url, public_id)}?recipient=true"


def files_key(workspace_id: str, credential_id: str) -> str:
    """The folder of everything that was rendered from a credential."""
    return f"credentials/{workspace_id}/{credential_id}"


def rendering_key(workspace_id: str, credential_id: str, design_id: str, digest: str, ending: str) -> str:
    return f"{files_key(workspace_id, credential_id)}/{design_id}/{digest}.{ending}"


def rendering_url(
    base_url: str, *, workspace_id: str, credential_id: str, design_id: str, digest: str, format_: str
) -> str:
    return f"{base_url}/files/{rendering_key(workspace_id, credential_id, design_id, digest, format_)}"
