"""Files: pictures of designs and rendered credentials, by key.

A key is a path of plain names such as `assets/01h…/9f86…`. A file is written whole or not at all, and one that exists
under a key is never changed: what differs has another key, because keys hold a digest of what they name.
"""
