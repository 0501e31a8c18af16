"""Everything that a workspace has: taking it along, and having it erased.

Both go through the tables themselves, so that neither forgets what a later slice adds; a test compares. No secret ever
leaves: not encrypted ones, and no hash of one.
"""
