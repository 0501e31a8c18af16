"""Change requests: what recipients ask their issuers to correct.

Anyone can open a credential's page, so asking only has a mail sent to the address that the credential was issued to; the
link in it makes the request real. Until then no issuer sees it. Of the link only the SHA-256 is stored (it has 256 random
bits). A request goes with its credential: deleting the one, or erasing its recipient, removes the other.
"""
