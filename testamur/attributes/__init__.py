"""Attributes: the placeholders `[recipient.name]` of designs, standard ones and those a workspace defines.

A custom attribute's tag starts with `custom.`, is unique in its workspace and never changes. A value is text; it is
data wherever it ends up, never markup, and is not resolved a second time.
"""
