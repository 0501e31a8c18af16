"""Files: pictures of designs, rendered credentials and uploaded spreadsheets, by key; in a folder or in a bucket.

A key is a path of plain names such as `assets/01h…/9f86…`. A file is written whole or not at all, and one that exists
under a key is never changed: what differs has another key, because keys hold a digest of what they name.
"""

from testamur.storage.model import Storage

__all__ = ["Storage"]
