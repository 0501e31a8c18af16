"""Somebody else's server of badges, on loopback, with an issuer of its own."""

import copy
import json
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from badge_web import DID, sample_credential
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from testamur.openbadges.data_integrity import ProofKey, Signer
from testamur.openbadges.dids import VerificationMethod, did_document
from testamur.openbadges.public_keys import to_multikey
from testamur.openbadges.status_lists import encoded_list, status_list_credential

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


class BadgeServer:
    """`pages` are answered by their path: JSON, bytes, or a number for an empty answer of that status."""

    def __init__(self):
        self.asked = []
        self.pages = {}
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                site.asked.append(self.path)
                found = site.pages.get(self.path, 404)
                if isinstance(found, int):
                    self.send_response(found)
                    if found == 302:
                        self.send_header("Location", "/elsewhere")
                    self.end_headers()
                    return
                self.send_response(200)
                self.end_headers()
                self.wfile.write(found if isinstance(found, bytes) else json.dumps(found).encode())

            def log_message(self, *_arguments):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        port = self._server.server_port
        self.url = f"http://localhost:{port}"
        self.did = f"did:web:localhost%3A{port}:i:acme"
        self.key = Ed25519PrivateKey.generate()
        self.method = f"{self.did}#{to_multikey(self.key.public_key())}"
        self.pages["/i/acme/did.json"] = did_document(
            self.did, [VerificationMethod(id=self.method, key=self.key.public_key())]
        )
        self.pages["/status/1"] = self.list_of([])
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def sign(self, document):
        signer = Signer(ProofKey(verification_method=self.method, private_key=self.key))
        return signer.sign(document, created=NOW)

    def list_of(self, revoked):
        return self.sign(
            status_list_credential(
                list_url=f"{self.url}/status/1",
                issuer=self.did,
                encoded=encoded_list(revoked),
                valid_from="2026-01-01T00:00:00Z",
                ttl_ms=300_000,
            )
        )

    def credential(self, **changes):
        """A signed one, whose place in the list is 94567."""
        text = json.dumps(sample_credential()).replace(json.dumps(DID), json.dumps(self.did))
        document = json.loads(text.replace("https://issuer.example/status", f"{self.url}/status"))
        return self.sign({**document, **copy.deepcopy(changes)})

    def close(self):
        self._server.shutdown()
        self._server.server_close()
