"""Credential templates: what is awarded. A name, one or more designs in order, a learning event.

A template has at least one design, none twice, all of its own workspace. One that has credentials cannot be deleted.
The public API's older word for a credential template is `group`.
"""
