"""JSON-LD contexts, bundled: what the terms of a credential mean must not depend on who answers an address today.

NOTICE.md in this folder tells where each file is from and under which licence it is given on.
"""

import hashlib
from functools import lru_cache
from importlib import resources
from typing import Any

import msgspec

CREDENTIALS_V1 = "https://www.w3.org/2018/credentials/v1"
CREDENTIALS_V2 = "https://www.w3.org/ns/credentials/v2"
OPEN_BADGES = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"
OPEN_BADGES_EXTENSIONS = "https://purl.imsglobal.org/spec/ob/v3p0/extensions.json"
BADGE_CONTEXTS = (CREDENTIALS_V2, OPEN_BADGES, OPEN_BADGES_EXTENSIONS)

# File and SHA-256. 1EdTech changed the file of 3.0.3 in place (its issue 639): what signatures rest on is this one.
PINNED = {
    CREDENTIALS_V1: (
        "credentials-v1.jsonld",
        "ab4ddd9a531758807a79a5b450510d61ae8d147eab966cc9a200c07095b0cdcc",
    ),
    CREDENTIALS_V2: (
        "credentials-v2.jsonld",
        "59955ced6697d61e03f2b2556febe5308ab16842846f5b586d7f1f7adec92734",
    ),
    "https://www.w3.org/ns/credentials/examples/v2": (
        "credentials-examples-v2.jsonld",
        "57393fbc69d6efb9b9b5dc9cb6b9880b0944360abfe2eaf459c9e58cf2279d7c",
    ),
    "https://purl.imsglobal.org/spec/ob/v3p0/context.json": (
        "open-badges-3.0.0.jsonld",
        "9f1c8f9f361ba2994b9b50701f41149919542c50c7b7455b2846d87959295d72",
    ),
    "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.1.json": (
        "open-badges-3.0.1.jsonld",
        "af095468326d3449160509b26ca71576e6321d13c85b0369cfe3b654c9a48fba",
    ),
    "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.2.json": (
        "open-badges-3.0.2.jsonld",
        "00666ad080ba407687ed1846b7f5e7495f5019042b202a727de47c48a1755c53",
    ),
    OPEN_BADGES: (
        "open-badges-3.0.3.jsonld",
        "ef2fa9c7846dce233cc166b43639027278be4ee44f00bb1d45c75de2dd0cd761",
    ),
    OPEN_BADGES_EXTENSIONS: (
        "open-badges-extensions.jsonld",
        "2d013f981d1f4516081a6a04e55468ba2b071d4153b794f19a79715c45a89a5e",
    ),
    "https://www.w3.org/ns/did/v1": (
        "did-v1.jsonld",
        "4f3eae5568c9c5f036a082088f9e192019ee06faa78973c87ff91d5421b88dad",
    ),
    "https://www.w3.org/ns/cid/v1": (
        "cid-v1.jsonld",
        "ea216ecc1cb02cd39b693dba2250141e270ba0bf95890be107dd9a9e8e43de85",
    ),
    "https://w3id.org/security/multikey/v1": (
        "multikey-v1.jsonld",
        "ba2c182de2d92f7e47184bcca8fcf0beaee6d3986c527bf664c195bbc7c58597",
    ),
    "https://w3id.org/security/jwk/v1": (
        "jwk-v1.jsonld",
        "0f14b62f6071aafe00df265770ea0c7508e118247d79b7d861a406d2aa00bece",
    ),
    "https://w3id.org/security/data-integrity/v1": (
        "data-integrity-v1.jsonld",
        "b5d829bd09aa7c42abc6efa0c8ed7635313b5487f37ccfce3ecd149ca9418554",
    ),
    "https://w3id.org/security/data-integrity/v2": (
        "data-integrity-v2.jsonld",
        "67f21e6e33a6c14e5ccfd2fc7865f7474fb71a04af7e94136cb399dfac8ae8f4",
    ),
    "https://w3id.org/security/suites/ed25519-2020/v1": (
        "ed25519-signature-2020-v1.jsonld",
        "b9e1ab971fd8bf2c7553e0c4a9438e0b9450afde1ea1ca5b2492368b9f549588",
    ),
}


class UnknownContext(LookupError):
    """A context that is not in the bundle. It is never fetched."""

    def __init__(self, url: str) -> None:
        super().__init__(f"The context {url[:200]} is not known here, and contexts are not fetched")
        self.url = url


class DamagedContext(RuntimeError):
    """A bundled file is not the one that was pinned: the installation is damaged, nothing may be signed with it."""


def read_context(url: str) -> bytes:
    """The file as it was pinned. Raises UnknownContext, DamagedContext."""
    try:
        name, digest = PINNED[url]
    except KeyError:
        raise UnknownContext(url) from None
    content = resources.files(__name__).joinpath(name).read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        raise DamagedContext(f"The bundled context {name} is not the one that was pinned: install Testamur anew")
    return content


@lru_cache(maxsize=len(PINNED))
def load_context(url: str) -> dict[str, Any]:
    """The context document; read only, since all share it. Raises UnknownContext, DamagedContext."""
    return msgspec.json.decode(read_context(url), type=dict[str, Any])
