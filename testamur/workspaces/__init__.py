"""Workspaces: the tenants. Everything else belongs to exactly one of them.

A workspace's slug is unique on the server. It can be given another one, and the old one stays its own for good, because
addresses of public documents hold it.
Dates such as the day a credential expires are read in the workspace's time zone.
"""
