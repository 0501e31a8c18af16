"""The keys that a workspace signs credentials with: Ed25519 for embedded proofs, RS256 for JWTs.

Each is named by itself, so that no two can be taken for one another: an Ed25519 key by its multikey, an RS256 key by its
JWK thumbprint. What a key has signed must verify for good, so a key that signs no more stays published, and only its
private part is destroyed; a compromised one is published no more. Private parts are encrypted under the master key,
bound to workspace, key and algorithm, and leave this slice as objects that sign, never as text.
"""
