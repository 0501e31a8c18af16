"""The second factor: codes of an authenticator app (TOTP, RFC 6238), and recovery codes for who has lost it."""

import re
import secrets
from base64 import b32decode, b32encode
from datetime import datetime
from hmac import compare_digest
from urllib.parse import quote, urlencode

import msgspec
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from sqlalchemy import bindparam, delete, func, insert, select, update

from testamur.accounts.links import end_links
from testamur.accounts.model import Account
from testamur.accounts.tables import accounts, recovery_codes
from testamur.db import Transaction
from testamur.encryption import MasterKey
from testamur.errors import Conflict, Invalid, NotFound
from testamur.tokens.secrets import hash_secret

# What every authenticator app knows: SHA-1, six digits, thirty seconds.
DIGITS = 6
STEP_SECONDS = 30
# Clocks differ, and people type slowly.
STEPS_AROUND = (0, -1, 1)
RECOVERY_CODES = 10
_SECRET_BYTES = 20
# 16 letters of 5 bits each.
_RECOVERY_LENGTH = 16
_RECOVERY_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"

_SECRET = select(accounts.c.totp_secret, accounts.c.totp_last_step, accounts.c.has_second_factor).where(
    accounts.c.id == bindparam("of_id")
)
_BEGIN = (
    update(accounts)
    .where(accounts.c.id == bindparam("of_id"), accounts.c.has_second_factor.is_(False))
    .values(totp_secret=bindparam("new_secret"), totp_last_step=None, updated_at=bindparam("at"))
)
# Of two that come with the same code at once, one moves the step on.
_TAKE_STEP = (
    update(accounts)
    .where(
        accounts.c.id == bindparam("of_id"),
        accounts.c.totp_secret == bindparam("of_secret"),
        func.coalesce(accounts.c.totp_last_step, -1) < bindparam("new_step"),
    )
    .values(totp_last_step=bindparam("new_step"))
)
_TURN_ON = (
    update(accounts)
    .where(accounts.c.id == bindparam("of_id"))
    .values(has_second_factor=True, updated_at=bindparam("at"))
)
_TURN_OFF = (
    update(accounts)
    .where(accounts.c.id == bindparam("of_id"))
    .values(has_second_factor=False, totp_secret=None, totp_last_step=None, updated_at=bindparam("at"))
)
_INSERT_CODES = insert(recovery_codes)
_OF_ACCOUNT = recovery_codes.c.account_id == bindparam("of_id")
_DELETE_CODES = delete(recovery_codes).where(_OF_ACCOUNT)
_USE_CODE = delete(recovery_codes).where(_OF_ACCOUNT, recovery_codes.c.secret_hash == bindparam("of_hash"))
_COUNT_CODES = select(func.count()).select_from(recovery_codes).where(_OF_ACCOUNT)


class TotpSetUp(msgspec.Struct, frozen=True):
    """What an authenticator app is given: the secret in base32, to type, and the same as an address, to scan."""

    secret: str
    uri: str


def begin_second_factor(
    tx: Transaction, account: Account, *, site: str, master_key: MasterKey, at: datetime
) -> TotpSetUp:
    """A new secret, which counts once `confirm_second_factor` was given a code of it. Raises Conflict if one counts."""
    secret = b32encode(secrets.token_bytes(_SECRET_BYTES)).decode()
    sealed = master_key.encrypt(secret, _purpose(account.id))
    if not tx.execute(_BEGIN, {"of_id": account.id, "new_secret": sealed, "at": at}).rowcount:
        raise Conflict("A second factor is on already; turn it off before you set up another one")
    return _set_up(secret, account, site)


def find_set_up(tx: Transaction, account: Account, *, site: str, master_key: MasterKey) -> TotpSetUp | None:
    """What was begun and not confirmed yet."""
    sealed, _, is_on = tx.execute(_SECRET, {"of_id": account.id}).one()
    return None if sealed is None or is_on else _set_up(master_key.decrypt(sealed, _purpose(account.id)), account, site)


def confirm_second_factor(
    tx: Transaction, account_id: str, code: str, *, master_key: MasterKey, at: datetime
) -> list[str]:
    """Ask for codes from now on; the recovery codes, which are shown this once. Raises Invalid for a wrong code."""
    sealed, _, is_on = tx.execute(_SECRET, {"of_id": account_id}).one()
    if is_on or sealed is None:
        raise Conflict("There is nothing to confirm; begin with setting up the second factor")
    if not _is_totp(tx, account_id, code, master_key=master_key, at=at):
        raise Invalid("Is not the code that the app shows now; check that your device has the right time", ("code",))
    tx.execute(_TURN_ON, {"of_id": account_id, "at": at})
    # Who was between password and session is so no longer without a code.
    end_links(tx, account_id, "second_step")
    return _make_codes(tx, account_id)


def remove_second_factor(tx: Transaction, account_id: str, *, at: datetime) -> None:
    """Ask for no more codes, and forget the recovery codes."""
    if not tx.execute(_TURN_OFF, {"of_id": account_id, "at": at}).rowcount:
        raise NotFound
    tx.execute(_DELETE_CODES, {"of_id": account_id})


def replace_recovery_codes(tx: Transaction, account: Account) -> list[str]:
    """New recovery codes; the old ones work no more. Raises Conflict without a second factor."""
    if not account.has_second_factor:
        raise Conflict("Recovery codes belong to a second factor; set one up first")
    return _make_codes(tx, account.id)


def count_recovery_codes(tx: Transaction, account_id: str) -> int:
    """How many are left."""
    return int(tx.execute(_COUNT_CODES, {"of_id": account_id}).scalar_one())


def is_code(tx: Transaction, account_id: str, code: str, *, master_key: MasterKey, at: datetime) -> bool:
    """Whether it is a code of the app or a recovery code; then it is used up."""
    plain = re.sub(r"[\s-]", "", code).lower()
    if len(plain) == DIGITS:
        return _is_totp(tx, account_id, plain, master_key=master_key, at=at)
    if len(plain) != _RECOVERY_LENGTH:
        return False
    # Letters that look like digits are not among ours.
    plain = plain.translate(str.maketrans("oil", "011"))
    return bool(tx.execute(_USE_CODE, {"of_id": account_id, "of_hash": hash_secret(plain)}).rowcount)


def _is_totp(tx: Transaction, account_id: str, code: str, *, master_key: MasterKey, at: datetime) -> bool:
    sealed, last_step, _ = tx.execute(_SECRET, {"of_id": account_id}).one()
    digits = re.sub(r"\s", "", code)
    if sealed is None or not re.fullmatch(rf"\d{{{DIGITS}}}", digits, re.ASCII):
        return False
    totp = _totp(master_key.decrypt(sealed, _purpose(account_id)))
    now_step = int(at.timestamp()) // STEP_SECONDS
    for step in (now_step + around for around in STEPS_AROUND):
        if step > (last_step or 0) and compare_digest(totp.generate(step * STEP_SECONDS), digits.encode()):
            values = {"of_id": account_id, "of_secret": sealed, "new_step": step}
            return bool(tx.execute(_TAKE_STEP, values).rowcount)
    return False


def _totp(secret: str) -> TOTP:
    return TOTP(b32decode(secret), DIGITS, SHA1(), STEP_SECONDS)  # noqa: S303 - as the standard has it.


def _set_up(secret: str, account: Account, site: str) -> TotpSetUp:
    label = quote(f"{site}:{account.email}", safe="@")
    query = urlencode({"secret": secret, "issuer": site, "digits": DIGITS, "period": STEP_SECONDS}, quote_via=quote)
    return TotpSetUp(secret, f"otpauth://totp/{label}?{query}")


def _make_codes(tx: Transaction, account_id: str) -> list[str]:
    tx.execute(_DELETE_CODES, {"of_id": account_id})
    codes = [
        "".join(secrets.choice(_RECOVERY_ALPHABET) for _ in range(_RECOVERY_LENGTH)) for _ in range(RECOVERY_CODES)
    ]
    tx.execute(_INSERT_CODES, [{"account_id": account_id, "secret_hash": hash_secret(code)} for code in codes])
    return ["-".join(re.findall("....", code)) for code in codes]


def _purpose(account_id: str) -> str:
    return f"totp/{account_id}"
