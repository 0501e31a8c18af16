"""Credentials: one award to one recipient from one credential template; drafting, issuing, rendering, deleting.

A credential is a draft until it is issued, and can be issued once. What was awarded is a snapshot: the recipient's
name and e-mail as they were then stand in the credential itself. That it has expired is never stored, only read from
its expiry date, so that every view of it agrees at every moment.
"""
