"""The transparency log: one for the server, of all that its issuers sign and revoke, and of their keys.

Whatever does such a thing records it in its own transaction (`recording`), which costs one row and waits for nobody.
A worker moves what was recorded into the Merkle tree, in order, and signs the new head (`appending`). Nothing in the
tree is ever changed or taken out, and no entry says whom it is about: a credential is named by a hash of its public id,
which itself is known only to those who were given it.
"""
