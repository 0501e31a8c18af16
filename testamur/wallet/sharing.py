"""How a credential is told of elsewhere: profiles, share links, search engines, pages that embed it."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import urlencode

import msgspec

from testamur.rendering.document import DesignType

LINKEDIN_PROFILE = "https://www.linkedin.com/profile/add"


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
    fields: dict[str, Any] = {
        "startTask": "CERTIFICATION_NAME",
        "name": shared.name,
        "organizationName": shared.issuer_name,
        "issueYear": shared.issue_date.year,
        "issueMonth": shared.issue_date.month,
        "certUrl": shared.public_url,
        "certId": shared.public_id,
    }
    if shared.expiry_date is not None:
        fields |= {"expirationYear": shared.expiry_date.year, "expirationMonth": shared.expiry_date.month}
    return f"{LINKEDIN_PROFILE}?{urlencode(fields)}"


def share_links(shared: Shared) -> dict[str, str]:
    """Addresses at which others have forms to post a link with, by their names."""
    text = f"{shared.name}, {shared.issuer_name}"
    return {
        "LinkedIn": f"https://www.linkedin.com/sharing/share-offsite/?{urlencode({'url': shared.public_url})}",
        "Facebook": f"https://www.facebook.com/sharer/sharer.php?{urlencode({'u': shared.public_url})}",
        "X": f"https://x.com/intent/post?{urlencode({'url': shared.public_url, 'text': text})}",
        "WhatsApp": f"https://wa.me/?{urlencode({'text': f'{text} {shared.public_url}'})}",
        "Email": f"mailto:?{urlencode({'subject': text, 'body': shared.public_url}).replace('+', '%20')}",
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
    text = json.dumps(content, ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
