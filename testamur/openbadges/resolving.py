"""The keys of issuers, from what the issuers themselves serve: DID documents, controlled identifier documents, JWKs.

Nothing here opens a connection. Whoever gives the function that fetches keeps it out of private networks, and within
limits of time and size.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from testamur.openbadges.dids import InvalidDID, did_key_document, web_did_address
from testamur.openbadges.json_documents import BYTES_MAX, UnreadableJSON, read_object
from testamur.openbadges.public_keys import (
    InvalidKey,
    PublicKey,
    from_jwk,
    from_multikey,
    jwk_thumbprint,
    to_multikey,
)

FETCHES_MAX = 8
_URL = re.compile(r"https?://[!-~]{1,2000}", re.ASCII)


class Unreachable(Exception):
    """Nothing could be fetched from an address. The message says why, as the end of a sentence."""


class Gone(Unreachable):
    """The server says that what was there is there no more (410). `content` is what it sent beside."""

    def __init__(self, content: bytes = b"") -> None:
        super().__init__("it is no longer there")
        self.content = content


class Unresolved(Exception):
    """There is no such key of this issuer, or none that may prove credentials. The message is a sentence."""


class Fetches:
    """Fetches for one verification: each address once, no more than eight. Raises Unreachable, and Gone of 410."""

    def __init__(self, fetch: Callable[[str], bytes]) -> None:
        self._fetch = fetch
        self._answers: dict[str, bytes | Unreachable] = {}

    def __call__(self, url: str) -> bytes:
        if url not in self._answers:
            if len(self._answers) >= FETCHES_MAX:
                raise Unreachable(f"the credential leads to more than {FETCHES_MAX} addresses")
            self._answers[url] = self._answer(url)
        answer = self._answers[url]
        if isinstance(answer, Unreachable):
            raise answer
        return answer

    def _answer(self, url: str) -> bytes | Unreachable:
        if not _URL.fullmatch(url):
            return Unreachable("it is not an address of the web")
        try:
            content = self._fetch(url)
        except Unreachable as error:
            return error
        return content if len(content) <= BYTES_MAX else Unreachable("what is there is too large")


def assertion_key(method: str, issuer: str, fetch: Fetches) -> PublicKey:
    """The key of that name, if the issuer lets it prove credentials. Raises Unresolved.

    A name with a fragment is a method of the issuer's document (Controlled Identifiers 1.0, section 3.3): it must be
    under `assertionMethod` there, and controlled by the issuer. One without is the address of a bare JWK (Open Badges
    3.0, section 8.2.4.1): the issuer must be of the same origin or, being a DID, have that key in its document.
    """
    controller, _, fragment = method.partition("#")
    if fragment:
        if controller != issuer:
            raise Unresolved(
                f"The signature is by a key of {controller}, but the credential is in the name of {issuer}"
            )
        methods = [found for found in _assertion_methods(issuer, fetch) if found["id"] == method]
        if len(methods) != 1:
            raise Unresolved(f"{issuer} has no key {fragment} that may sign credentials")
        return _key(methods[0])
    key = _key({"publicKeyJwk": _fetched(method, fetch)})
    if issuer.startswith("https://"):
        if urlsplit(issuer)[:2] != urlsplit(method)[:2]:
            raise Unresolved(f"The signature is by a key at {method}, but the credential is in the name of {issuer}")
    elif key not in _readable_keys(_assertion_methods(issuer, fetch)):
        raise Unresolved(f"{issuer} does not have the key at {method} among those that may sign credentials")
    return key


def only_keys(document: bytes, names: Collection[str]) -> bytes:
    """A DID document without all keys but those of these names, which have to be their keys' own.

    For who knows the keys but does not trust whoever gives the document: a name is one's own if it ends in the multikey
    or, for a JWK, its thumbprint. What is no document comes back as it is.
    """
    try:
        found = read_object(document)
    except UnreadableJSON:
        return document
    methods = [
        method
        for method in _listed(found.get("verificationMethod"))
        if isinstance(method, Mapping) and method.get("id") in names and _is_own_name(method)
    ]
    named = [name for name in _listed(found.get("assertionMethod")) if isinstance(name, str)]
    return msgspec.json.encode({"id": found.get("id"), "verificationMethod": methods, "assertionMethod": named})


def _is_own_name(method: Mapping[str, Any]) -> bool:
    name = str(method["id"]).rpartition("#")[2]
    try:
        key = _key(method)
        return name in {jwk_thumbprint(key), "" if isinstance(key, RSAPublicKey) else to_multikey(key)}
    except (Unresolved, InvalidKey):
        return False


def _assertion_methods(issuer: str, fetch: Fetches) -> list[Mapping[str, Any]]:
    """The methods under `assertionMethod`, with absolute ids. Raises Unresolved."""
    document = _issuer_document(issuer, fetch)
    if document.get("id") != issuer:
        raise Unresolved(f"What should be the document of {issuer} is that of another")
    described = [_absolute(issuer, method) for method in _listed(document.get("verificationMethod"))]
    found = []
    for named in _listed(document.get("assertionMethod")):
        if isinstance(named, str):
            name = issuer + named if named.startswith("#") else named
            found += [method for method in described if method.get("id") == name]
        else:
            found.append(_absolute(issuer, named))
    return [method for method in found if method.get("id") and method.get("controller") == issuer]


def _issuer_document(issuer: str, fetch: Fetches) -> Mapping[str, Any]:
    try:
        if issuer.startswith("did:key:"):
            return did_key_document(issuer)
        address = issuer if issuer.startswith("https://") else web_did_address(issuer)
    except InvalidDID:
        raise Unresolved(
            f"The keys of {issuer} cannot be looked up: only did:web, did:key and https are known"
        ) from None
    return _fetched(address, fetch)


def _fetched(url: str, fetch: Fetches) -> Mapping[str, Any]:
    try:
        return read_object(fetch(url))
    except Unreachable as error:
        raise Unresolved(f"The issuer's keys could not be fetched from {url}: {error}") from None
    except UnreadableJSON:
        raise Unresolved(f"The issuer's keys could not be read at {url}: there is no JSON object") from None


def _absolute(issuer: str, method: Any) -> Mapping[str, Any]:
    if not isinstance(method, Mapping) or not isinstance(name := method.get("id"), str):
        return {}
    return {**method, "id": issuer + name if name.startswith("#") else name}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _readable_keys(methods: list[Mapping[str, Any]]) -> list[PublicKey]:
    keys = []
    for method in methods:
        try:
            keys.append(_key(method))
        except Unresolved:
            continue
    return keys


def _key(method: Mapping[str, Any]) -> PublicKey:
    if method.get("revoked"):
        raise Unresolved("The issuer has revoked the key of the signature")
    try:
        match method:
            case {"publicKeyMultibase": str(multikey)}:
                return from_multikey(multikey)
            case {"publicKeyJwk": Mapping() as jwk}:
                return from_jwk(jwk)
    except InvalidKey as error:
        raise Unresolved(f"The issuer's key cannot be used. {error}") from None
    raise Unresolved("The issuer's key is written in a form that is not known here")
