"""Idempotency keys: a request that is sent again under its key is answered again instead of done again.

A key belongs to a workspace and lives for 24 hours.
"""
