"""Status lists: where it stands, for anyone to look up, that a credential is revoked.

Each signed credential has a place of its own in a list of its issuer, for good: a place is never given twice, also not
when the credential is gone. A list belongs to the DID that its credentials were issued under, since verifiers accept it
from the same issuer only. Issuing touches no published list; revoking changes one bit.
"""
