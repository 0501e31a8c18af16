"""Open Badges 3.0 and 2.0: documents, proofs, status lists, DIDs as data, baking, verification.

A pure engine: it knows no database, no settings, no web framework, and asks no network. What it needs (a private key, a
time, documents that others serve) it is given; contexts are bundled and pinned by hash. It can be used alone.
"""
