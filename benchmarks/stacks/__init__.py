"""Two other servers that create a credential template: the usual stack, and one with no framework at all.

Both do for `POST /v1/groups` what Testamur does, on the same tables with the same pragmas.
"""
