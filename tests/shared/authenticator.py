"""A device with passkeys, in Python: it answers a server's request as a browser would pass the answer on."""

import json
import struct
from hashlib import sha256

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import cbor
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


class Authenticator:
    """One key for one account. `count` is what it counts up with each use; None is a device that does not count."""

    def __init__(self, origin="https://testserver.example", *, is_verified=True, count=0, number=1):
        self.origin = origin
        self.flags = PRESENT | (VERIFIED if is_verified else 0)
        self.count = count
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = bytes([number]) * 32
        self.handle = b""

    def create(self, options):
        self.handle = websafe_decode(options["user"]["id"])
        public = cbor.encode(dict(ES256.from_cryptography_key(self.key.public_key())))
        attested = bytes(16) + struct.pack(">H", len(self.id)) + self.id + public
        data = self._data(options["rp"]["id"], ATTESTED) + attested
        attestation = cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})
        client_data = self._client_data("webauthn.create", options["challenge"])
        return self._answer(attestationObject=websafe_encode(attestation), clientDataJSON=websafe_encode(client_data))

    def get(self, options):
        data = self._data(options["rpId"], 0)
        client_data = self._client_data("webauthn.get", options["challenge"])
        signature = self.key.sign(data + sha256(client_data).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(
            authenticatorData=websafe_encode(data),
            clientDataJSON=websafe_encode(client_data),
            signature=websafe_encode(signature),
            userHandle=websafe_encode(self.handle),
        )

    def _data(self, rp_id, more_flags):
        if self.count is not None:
            self.count += 1
        return sha256(rp_id.encode()).digest() + struct.pack(">BI", self.flags | more_flags, self.count or 0)

    def _client_data(self, kind, challenge):
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _answer(self, **response):
        name = websafe_encode(self.id)
        return {"id": name, "rawId": name, "type": "public-key", "response": response}
