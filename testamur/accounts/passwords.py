"""Passwords: which are good enough (NIST SP 800-63B, section 3.1.1: long, and not among those that leaked), and their hashes."""

import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from testamur.errors import Invalid

LENGTH_MIN = 10
# As much as anybody types; more would only cost time.
LENGTH_MAX = 256
# Letters may be written in several characters, of which normalizing makes one.
_CHARACTERS_MAX = 4 * LENGTH_MAX
# Of zxcvbn: how many guesses somebody needs who knows what people choose, as a power of ten.
GUESSES_LOG10_MIN = 8

# argon2-cffi's defaults are the second recommendation of RFC 9106: 64 MiB, 3 passes, 4 lanes.
_hasher = PasswordHasher()
# The hash of 128 random bits, made with the same parameters (a test compares).
_DECOY = "$argon2id$v=19$m=65536,t=3,p=4$4ZILxerINqVxt4WpzV6lIg$TX/YS4CFK/N4LypVTwHdmEf6bGSoOSWTYov9Nst0fB0"


def checked_password(password: str, *, known: tuple[str, ...] = ()) -> str:
    """The password as it is hashed. `known` is what everybody knows of the person, and therefore guesses first.

    Raises Invalid if it is too short, too long, or easy to guess.
    """
    text = _normalized(password[: _CHARACTERS_MAX + 1])
    if len(text) < LENGTH_MIN:
        raise Invalid(f"Must have at least {LENGTH_MIN} characters", ("password",))
    if len(text) > LENGTH_MAX or len(password) > _CHARACTERS_MAX:
        raise Invalid(f"Must have at most {LENGTH_MAX} characters", ("password",))
    # Loading the lists takes a tenth of a second, which only this needs.
    from zxcvbn import zxcvbn  # noqa: PLC0415

    if zxcvbn(text[:72], user_inputs=list(known))["guesses_log10"] < GUESSES_LOG10_MIN:
        raise Invalid("Is easy to guess or among those that leaked; take several unrelated words", ("password",))
    return text


def hash_password(password: str) -> str:
    """The argon2id hash with its parameters. Takes some 50 ms and 64 MiB on purpose: call it outside a transaction."""
    return _hasher.hash(_normalized(password))


def is_password(password: str, password_hash: str | None) -> bool:
    """Whether it is the one that was hashed. Takes as long if there is none, so that time tells nobody who has an account."""
    try:
        _hasher.verify(password_hash or _DECOY, _normalized(password[:_CHARACTERS_MAX]))
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def needs_new_hash(password_hash: str) -> bool:
    """Whether it was made with older parameters than a new one would be."""
    return _hasher.check_needs_rehash(password_hash)


def _normalized(password: str) -> str:
    """Keyboards write the same letter in several ways (NIST SP 800-63B, section 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password)
