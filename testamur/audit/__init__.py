"""The audit log: who did what in a workspace, and when.

An entry is written in the transaction of what it tells of, so there is none without the other, and is never changed. It
names things by their id and holds no personal data of recipients.
"""
