"""Imports: a spreadsheet becomes credentials, in chunks that each are one transaction.

A chunk and the results of its rows are committed together, under the chunk's number: whoever else works on the same
import finds the number taken and writes nothing. So an import can be cut off, paused, or taken over at any moment.
"""
