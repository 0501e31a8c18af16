"""Passkeys (WebAuthn): a key in somebody's device signs in without a password.

What the device shall sign is kept hashed in a row and taken once, so an answer that somebody has seen is good for nothing.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import msgspec
from fido2.cose import ES256, RS256, EdDSA
from fido2.server import Fido2Server
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialDescriptor,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialType,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from sqlalchemy import bindparam, delete, insert, select, update

from testamur.accounts.model import Account, Passkey
from testamur.accounts.queries import get_account
from testamur.accounts.signing_in import Begun, begin
from testamur.accounts.tables import passkey_challenges, passkeys
from testamur.db import Transaction
from testamur.errors import Conflict, Invalid, NotFound
from testamur.ids import new_id
from testamur.text import checked, clean_line
from testamur.tokens.secrets import hash_secret

CHALLENGE_VALID = timedelta(minutes=10)
PASSKEYS_MAX = 20
NAME_LENGTH_MAX = 255
_CREDENTIAL_ID_MAX = 1400
# What devices offer: ECDSA with P-256, Ed25519, RSA. Each with SHA-256 at least.
_ALGORITHMS = (ES256.ALGORITHM, EdDSA.ALGORITHM, RS256.ALGORITHM)

_COLUMNS = [passkeys.c[field] for field in Passkey.__struct_fields__]
_INSERT = insert(passkeys)
_OF_ACCOUNT = select(*_COLUMNS).where(passkeys.c.account_id == bindparam("of_account")).order_by(passkeys.c.id)
_FIND = select(
    passkeys.c.id, passkeys.c.account_id, passkeys.c.credential_data, passkeys.c.sign_count
).where(passkeys.c.credential_id == bindparam("of_credential"))  # fmt: skip
_THIS = (passkeys.c.account_id == bindparam("of_account"), passkeys.c.id == bindparam("of_id"))
_REMOVE = delete(passkeys).where(*_THIS)
# Of two that come with the same count at once, one moves it on.
_USED = (
    update(passkeys)
    .where(passkeys.c.id == bindparam("of_id"), passkeys.c.sign_count == bindparam("old_count"))
    .values(sign_count=bindparam("new_count"), last_used_at=bindparam("at"))
)
_ASK = insert(passkey_challenges)
_TAKE = (
    delete(passkey_challenges)
    .where(
        passkey_challenges.c.challenge_hash == bindparam("of_hash"), passkey_challenges.c.expires_at > bindparam("at")
    )
    .returning(passkey_challenges.c.account_id)
)
_FORGET = delete(passkey_challenges).where(passkey_challenges.c.expires_at <= bindparam("at"))


class RelyingParty(msgspec.Struct, frozen=True):
    """Whose passkeys these are, and the origin of the pages that may ask for them."""

    id: str
    origin: str
    name: str

    def server(self) -> Fido2Server:
        made = Fido2Server(
            PublicKeyCredentialRpEntity(name=self.name, id=self.id), verify_origin=lambda origin: origin == self.origin
        )
        made.allowed_algorithms = [item for item in made.allowed_algorithms if item.alg in _ALGORITHMS]
        return made


def relying_party(base_url: str) -> RelyingParty | None:
    """This server as browsers know it; None where they have no passkeys: without https, or at a bare IP address.

    A server on this machine alone has them under the name localhost, whichever address it was given.
    """
    parts = urlsplit(base_url.lower())
    host, port = parts.hostname or "", f":{parts.port}" if parts.port else ""
    if parts.scheme == "http" and host == "127.0.0.1":
        host = "localhost"
    is_name = any(char.isalpha() for char in host.rpartition(".")[2])
    if not is_name or (parts.scheme != "https" and host != "localhost" and not host.endswith(".localhost")):
        return None
    return RelyingParty(host, f"{parts.scheme}://{host}{port}", host)


def begin_registration(tx: Transaction, party: RelyingParty, account: Account, *, at: datetime) -> dict[str, Any]:
    """What the browser is asked for a new passkey (the publicKey of navigator.credentials.create, as JSON)."""
    theirs = list_passkeys(tx, account.id)
    if len(theirs) >= PASSKEYS_MAX:
        raise Conflict(f"An account has at most {PASSKEYS_MAX} passkeys; remove one first")
    options, state = party.server().register_begin(
        PublicKeyCredentialUserEntity(name=account.email, id=account.id.encode(), display_name=account.name),
        credentials=[
            PublicKeyCredentialDescriptor(
                type=PublicKeyCredentialType.PUBLIC_KEY, id=websafe_decode(passkey.credential_id)
            )
            for passkey in theirs
        ],
        # It is found without an email address being typed.
        resident_key_requirement=ResidentKeyRequirement.REQUIRED,
        user_verification=UserVerificationRequirement.PREFERRED,
    )
    _ask(tx, state["challenge"], account.id, at)
    return dict(options.public_key)


def register_passkey(
    tx: Transaction, party: RelyingParty, account_id: str, answer: Mapping[str, Any], *, name: str, at: datetime
) -> Passkey:
    """The new passkey. Raises Invalid if the browser's answer is not one to what was asked, or the name cannot be used."""
    name = checked("name", clean_line, name, length_max=NAME_LENGTH_MAX)
    try:
        challenge = websafe_encode(RegistrationResponse.from_dict(answer).response.client_data.challenge)
        asked_of = _take(tx, challenge, at)
        made = party.server().register_complete(_state(challenge), answer)
        data = made.credential_data
        is_usable = (
            asked_of == account_id
            and data is not None
            and data.public_key[3] in _ALGORITHMS
            and len(data.credential_id) * 4 / 3 <= _CREDENTIAL_ID_MAX
        )
    except Exception:  # noqa: BLE001 - a browser may send anything, which the library takes apart without looking.
        is_usable = False
    if not is_usable or data is None:
        raise Invalid("The passkey was not made; please try once more")
    credential_id = websafe_encode(data.credential_id)
    if tx.execute(_FIND, {"of_credential": credential_id}).one_or_none() is not None:
        raise Conflict("This passkey is registered already")
    passkey = Passkey(
        id=new_id(), account_id=account_id, credential_id=credential_id, name=name, created_at=at, last_used_at=None
    )
    row = {field: getattr(passkey, field) for field in passkey.__struct_fields__}
    tx.execute(_INSERT, {**row, "credential_data": bytes(data), "sign_count": made.counter})
    return passkey


def begin_passkey_sign_in(tx: Transaction, party: RelyingParty, *, at: datetime) -> dict[str, Any]:
    """What the browser is asked for (the publicKey of navigator.credentials.get, as JSON), whoever it is."""
    options, state = party.server().authenticate_begin(user_verification=UserVerificationRequirement.PREFERRED)
    _ask(tx, state["challenge"], None, at)
    return dict(options.public_key)


class PasskeyUse(msgspec.Struct, frozen=True):
    """Whose passkey signed, and whether the device made sure that it is them (by a finger, a face or a PIN)."""

    account_id: str
    is_person_verified: bool


def use_passkey(tx: Transaction, party: RelyingParty, answer: Mapping[str, Any], *, at: datetime) -> PasskeyUse | None:
    """Who signed what was asked; None if it is not right. Commit either way: what was asked is used up."""
    try:
        given = AuthenticationResponse.from_dict(answer)
        challenge = websafe_encode(given.response.client_data.challenge)
        is_asked, count = _is_asked(tx, challenge, at), given.response.authenticator_data.counter
        row = tx.execute(_FIND, {"of_credential": websafe_encode(given.raw_id)}).one_or_none()
        if not is_asked or row is None:
            return None
        passkey_id, account_id, data, old_count = row
        party.server().authenticate_complete(_state(challenge), [AttestedCredentialData(data)], answer)
        handle = given.response.user_handle
        if handle is not None and handle != account_id.encode():
            return None
    except Exception:  # noqa: BLE001 - see register_passkey.
        return None
    # A device that counts never counts back: then a copy of the key is in use. Passkeys that are synchronised say 0.
    if (count or old_count) and count <= old_count:
        return None
    if not tx.execute(_USED, {"of_id": passkey_id, "old_count": old_count, "new_count": count, "at": at}).rowcount:
        return None
    return PasskeyUse(account_id, given.response.authenticator_data.is_user_verified())


def sign_in_by_passkey(
    tx: Transaction, party: RelyingParty, answer: Mapping[str, Any], *, user_agent: str, client: str, at: datetime
) -> Begun | None:
    """Begin a session, or None if the answer is not right. Commit either way.

    A device that made sure of the person is two factors in one; after any other one a code is asked for, if the account
    has a second factor.
    """
    used = use_passkey(tx, party, answer, at=at)
    if used is None:
        return None
    account = get_account(tx, used.account_id)
    is_code_needed = account.has_second_factor and not used.is_person_verified
    return begin(tx, account, is_code_needed=is_code_needed, user_agent=user_agent, client=client, at=at)


def list_passkeys(tx: Transaction, account_id: str) -> list[Passkey]:
    """The passkeys of an account, oldest first."""
    return [Passkey(**row._mapping) for row in tx.execute(_OF_ACCOUNT, {"of_account": account_id})]  # noqa: SLF001


def remove_passkey(tx: Transaction, account: Account, passkey_id: str) -> None:
    """Raises NotFound if the account has no such passkey, Conflict if nothing else would let its owner in."""
    others = [passkey for passkey in list_passkeys(tx, account.id) if passkey.id != passkey_id]
    if not account.has_password and not others:
        raise Conflict("This passkey is all that lets you in; choose a password first")
    if not tx.execute(_REMOVE, {"of_account": account.id, "of_id": passkey_id}).rowcount:
        raise NotFound("There is no such passkey")


def forget_challenges(tx: Transaction, *, at: datetime) -> None:
    """Remove those that are too old."""
    tx.execute(_FORGET, {"at": at})


def _ask(tx: Transaction, challenge: str, account_id: str | None, at: datetime) -> None:
    row = {"challenge_hash": hash_secret(challenge), "account_id": account_id, "expires_at": at + CHALLENGE_VALID}
    tx.execute(_ASK, row)


def _take(tx: Transaction, challenge: str, at: datetime) -> str | None:
    """The account that the challenge was made for, if it was and is in force."""
    row = tx.execute(_TAKE, {"of_hash": hash_secret(challenge), "at": at}).one_or_none()
    return None if row is None else row.account_id


def _is_asked(tx: Transaction, challenge: str, at: datetime) -> bool:
    """Whether the challenge was made for signing in, and is in force."""
    row = tx.execute(_TAKE, {"of_hash": hash_secret(challenge), "at": at}).one_or_none()
    return row is not None and row.account_id is None


def _state(challenge: str) -> dict[str, Any]:
    return {"challenge": challenge, "user_verification": UserVerificationRequirement.PREFERRED}
