"""The one seam to the durable job engine (dbos).

What shall happen later is a row of its slice. A worker claims such rows for itself and runs a durable workflow whose id
is that of the claim: starting it twice does nothing, and a process that comes back after a crash goes on with it. Should
it never come back, the claim lapses and another worker claims the rows anew.
"""
