"""Version 2022-10-26 of the public API: one file per resource, and the words it uses where ours differ."""
