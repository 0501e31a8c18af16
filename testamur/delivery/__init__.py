"""Delivery: emails to recipients, from a template to the mail server.

What shall be sent is a row of the outbox, written in the transaction that wants it, under a key of its intent: the same
intent never makes a second row. A row is sent by exactly one worker at a time, under one Message-ID however often it is
tried. Values are data in subject, text and HTML alike.
"""
