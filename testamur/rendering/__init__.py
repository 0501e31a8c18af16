"""The rendering engine: a design document and values become a PDF or a PNG.

It is pure: no database, no settings, no web. Values are data and never markup, wherever they come from. The same
document, values and time give the same bytes. Only the fonts beside this file are used, so that a certificate looks the
same on every machine.
"""
