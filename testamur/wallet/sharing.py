"""How a credential is told of elsewhere: profiles, share links, search engines, pages that embed it."""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any
from urllib.parse import quote_plus

import msgspec

from testamur.rendering.document import DesignType

LINKEDIN_PROFILE = "https://www.linkedin.com/profile/add"

# How a text is written in a query string. The same few texts stand in several addresses of a page, and on many pages.
quoted = lru_cache(maxsize=1000)(quote_plus)


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of a credential elsewhere."""

    name: str
    description: str
    recipient_name: str
    issuer_name: str
    issuer_url: str | None
    issue_date: date
    expiry_date: date | None
    public_id: str
    public_url: str
    image_url: str
    category: DesignType


def linkedin_url(shared: Shared) -> str:
    """The form of LinkedIn that adds a certification to one's profile, filled in. Months count from 1."""
    expiry = shared.expiry_date
    return (
        f"{LINKEDIN_PROFILE}?startTask=CERTIFICATION_NAME&name={quoted(shared.name)}"
        f"&organizationName={quoted(shared.issuer_name)}"
        f"&issueYear={shared.issue_date.year}&issueMonth={shared.issue_date.month}"
        f"&certUrl={quoted(shared.public_url)}&certId={shared.public_id}"
        f"{f'&expirationYear={expiry.year}&expirationMonth={expiry.month}' if expiry else ''}"
    )


def share_links(shared: Shared) -> dict[str, str]:
    """Addresses at which others have forms to post a link with, by their names."""
    text, url = quoted(f"{shared.name}, {shared.issuer_name}"), quoted(shared.public_url)
    return {
        "LinkedIn": f"https://www.linkedin.com/sharing/share-offsite/?url={url}",
        "Facebook": f"https://www.facebook.com/sharer/sharer.php?u={url}",
        "X": f"https://x.com/intent/post?url={url}&text={text}",
        "WhatsApp": f"https://wa.me/?text={text}+{url}",
        # A plus sign in a mail's subject would be one.
        "Email": f"mailto:?subject={text.replace('+', '%20')}&body={url}",
    }


def structured_data(shared: Shared) -> str:
    """schema.org's EducationalOccupationalCredential as JSON-LD, safe to stand in a script element."""
    issuer: Mapping[str, Any] = {
        "@type": "Organization",
        "name": shared.issuer_name,
        **({"url": shared.issuer_url} if shared.issuer_url else {}),
    }
    stated = {
        "@context": "https://schema.org",
        "@type": "EducationalOccupationalCredential",
        "name": shared.name,
        "description": shared.description,
        "credentialCategory": shared.category,
        "url": shared.public_url,
        "image": shared.image_url,
        "identifier": shared.public_id,
        "dateCreated": shared.issue_date.isoformat(),
        **({"expires": shared.expiry_date.isoformat()} if shared.expiry_date else {}),
        "recognizedBy": issuer,
    }
    return _script_safe(
        {
            "@context": "https://schema.org",
            "@type": "Person",
            "name": shared.recipient_name,
            "hasCredential": {name: value for name, value in stated.items() if name != "@context"},
        }
    )


def oembed(
    *,
    title: str,
    author_name: str,
    author_url: str | None,
    image_url: str,
    width_px: int,
    height_px: int,
    provider_url: str,
) -> dict[str, Any]:
    """A photo of oEmbed 1.0 (section 2.3.4.1), for pages that show what a link leads to."""
    return {
        "version": "1.0",
        "type": "photo",
        "title": title,
        "author_name": author_name,
        **({"author_url": author_url} if author_url else {}),
        "provider_name": author_name,
        "provider_url": provider_url,
        "url": image_url,
        "width": width_px,
        "height": height_px,
    }


def _script_safe(content: Any) -> str:
    """JSON in which nothing ends the element around it, whatever people wrote."""
    text = msgspec.json.encode(content).decode()
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
