"""Version 2022-10-26 of the public API, under /v1: the gate, then one file of operations per resource."""
