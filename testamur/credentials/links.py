"""Addresses of what the public sees of a credential, and the storage keys behind them."""

from typing import Literal


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


def document_url(base_url: str, public_id: str) -> str:
    """Of the signed credential as JSON, whatever a client says it accepts."""
    return f"{page_url(base_url, public_id)}.json"


def baked_url(base_url: str, public_id: str) -> str:
    """Of the credential's picture with the signed credential in it."""
    return f"{page_url(base_url, public_id)}.png"


def bundle_url(base_url: str, public_id: str) -> str:
    """Of the ZIP with all that a verifier needs without a network."""
    return f"{page_url(base_url, public_id)}/bundle.zip"


def achievement_url(base_url: str, template_id: str) -> str:
    return f"{base_url}/achievements/{template_id}"


def status_list_url(base_url: str, list_id: str) -> str:
    return f"{base_url}/status/{list_id}"


def hosted_url(base_url: str, slug: str, kind: Literal["assertions", "badges"], id_: str) -> str:
    """Of a document of Open Badges 2.0. All of an issuer's begin alike, so that no other can answer for it."""
    return f"{hosted_issuer_url(base_url, slug)}/{kind}/{id_}"


def hosted_issuer_url(base_url: str, slug: str) -> str:
    return f"{base_url}/ob2/{slug}"
