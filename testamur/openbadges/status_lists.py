"""Bitstring Status List 1.0: which credentials of an issuer are revoked, as one signed list of bits.

A list is read by everybody and tells nothing but bits: which credential has which place is known from the credential
only, and the places are drawn so that they tell no order of issuing.
"""

import binascii
import hmac
import re
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from hashlib import shake_256
from struct import unpack
from typing import Any

from testamur.openbadges.contexts import CREDENTIALS_V2

ENTRIES = 131_072  # The least a list may have (section 6.1), so that a place in it does not tell whose it is.

_ROUNDS = 10
_LOW_BITS = 8
_LOW, _HIGH = 0xFF, 0x1FF
_HALVES = 512
_DECOMPRESSED_BYTES_MAX = 16 * 1024 * 1024
_ENCODED = re.compile(r"u[A-Za-z0-9_-]+", re.ASCII)


class InvalidStatusList(ValueError):
    """What should be a list of status bits is none, is too short, or has no such place."""


class StatusIndexes:
    """Places in one list, in an order that only the holder of the secret can tell.

    A Feistel network over 17 bits (9 and 8): every counter below `ENTRIES` has a place of its own, so a database need
    only count. `list_name` makes the order another one in each list, whatever else is known of other lists.
    """

    def __init__(self, secret: bytes, list_name: str) -> None:
        key = hmac.digest(secret, list_name.encode(), "sha256")
        # What each round adds is drawn once for all halves there can be, which makes a place a few look-ups.
        self._rounds = [
            unpack(f">{_HALVES}H", shake_256(key + bytes([number])).digest(2 * _HALVES)) for number in range(_ROUNDS)
        ]

    def index(self, counter: int) -> int:
        """The place of the credential that is the `counter`-th of the list, from 0. Raises ValueError past the end."""
        if not 0 <= counter < ENTRIES:
            raise ValueError(f"A status list has {ENTRIES} places; {counter} is none of them")
        high, low = counter >> _LOW_BITS, counter & _LOW
        for for_high, for_low in zip(self._rounds[::2], self._rounds[1::2], strict=True):
            high ^= for_high[low] & _HIGH
            low ^= for_low[high] & _LOW
        return high << _LOW_BITS | low


def encoded_list(set_bits: Iterable[int], size: int = ENTRIES) -> str:
    """The `encodedList` in which these places are set (section 3.3). The same places give the same text.

    Raises ValueError for a place that the list does not have, and for a size below `ENTRIES` or between whole bytes.
    """
    if size < ENTRIES or size % 8:
        raise ValueError(f"A status list has at least {ENTRIES} places, and eight to a byte")
    places = list(set_bits)
    if (least := min(places, default=0)) < 0:
        raise ValueError(f"The status list has no place {least}")
    # Written as a number of that many binary digits, which takes half the time of setting bits in bytes. The first digit
    # is bit 0, the most significant one of the first byte.
    digits = bytearray(b"0" * size)
    try:
        for index in places:
            digits[index] = 49  # "1"
    except IndexError:
        raise ValueError(f"The status list has no place {max(places)}") from None
    bits = int(digits, 2).to_bytes(size // 8)
    # gzip, whose header holds no time this way. Level 9 takes ten times as long for a tenth of the size.
    compressor = zlib.compressobj(6, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    content = compressor.compress(bits) + compressor.flush()
    return "u" + urlsafe_b64encode(content).rstrip(b"=").decode()


def is_set(encoded: str, index: int) -> bool:
    """Whether the bit at a place is set. Raises InvalidStatusList.

    No more than 16 MB are decompressed, whatever the text promises.
    """
    if not _ENCODED.fullmatch(encoded):
        raise InvalidStatusList("The status list is not written in base64url with the prefix u")
    try:
        decompressor = zlib.decompressobj(16 + zlib.MAX_WBITS)
        content = urlsafe_b64decode(encoded[1:] + "=" * (-(len(encoded) - 1) % 4))
        bits = decompressor.decompress(content, _DECOMPRESSED_BYTES_MAX)
    except (binascii.Error, zlib.error):
        raise InvalidStatusList("The status list is broken: it cannot be decompressed") from None
    if not decompressor.eof or decompressor.unused_data:
        is_large = len(bits) == _DECOMPRESSED_BYTES_MAX
        raise InvalidStatusList(f"The status list is {'too large' if is_large else 'broken: it is not complete'}")
    if len(bits) * 8 < ENTRIES:
        raise InvalidStatusList(f"The status list has {len(bits) * 8} places, fewer than the {ENTRIES} it must have")
    if not 0 <= index < len(bits) * 8:
        raise InvalidStatusList(f"The status list has no place {index}")
    return bool(bits[index >> 3] & 0x80 >> (index & 7))


def status_list_credential(*, list_url: str, issuer: str, encoded: str, valid_from: str, ttl_ms: int) -> dict[str, Any]:
    """A BitstringStatusListCredential without its proof (section 2.2), for revocations.

    `ttl_ms` is for how long a copy may be kept, in milliseconds. There is no `validUntil`: should this server end, its
    last list goes on saying what it said.
    """
    return {
        "@context": [CREDENTIALS_V2],
        "id": list_url,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": issuer,
        "validFrom": valid_from,
        "credentialSubject": {
            "id": f"{list_url}#list",
            "type": "BitstringStatusList",
            "statusPurpose": "revocation",
            "encodedList": encoded,
            "ttl": ttl_ms,
        },
    }
