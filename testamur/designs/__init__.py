"""Designs: certificates and badges as drawn, their versions and the pictures they use.

A version is never changed: drawing anew adds one, so what was rendered from an older one can be rendered again. A
design belongs to one workspace, as do its pictures, which are stored once under the digest of their bytes.
"""
