"""Recipient accounts: whoever reads the mail of an address sees all credentials that were issued to it.

There is no password and no profile: an account is an address, and a session for it that a link in a mail begins. Of link
and session only the SHA-256 is stored (each has 256 random bits). A link works once. An address reaches into every
workspace, and into nothing that is not issued.
"""
