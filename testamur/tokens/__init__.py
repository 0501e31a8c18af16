"""Access tokens of the API: each acts for one whole workspace.

A token is shown once, when it is made; only its SHA-256 is stored (a token has 178 random bits, so a slow hash would
protect nothing more). Its prefix lets secret scanners find it and its checksum lets them, and us, drop what is not one
without asking the database. A revoked token is refused from the next request on.
"""
