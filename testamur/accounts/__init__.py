"""Accounts: the people who work in workspaces, how they sign in, and what each may do in which workspace.

Passwords are kept as argon2id; of sessions, links and recovery codes only the SHA-256 is stored (each has at least 80
random bits); the secret of a second factor is encrypted. What a person may do is decided by the role of their
membership (`roles.py`), which every door asks before it calls anything.
"""
