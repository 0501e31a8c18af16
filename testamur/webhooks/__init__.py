"""Webhooks: events of a workspace, told to the addresses it has named.

An event and its deliveries are rows of the transaction that causes them: no change without its event, no event without
its change. A delivery is tried seven times over 3.5 days; a receiver may see an event more than once, always under the
same id.
"""
