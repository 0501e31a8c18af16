"""How fast Testamur is beside what a user would pick instead. `python -m benchmarks --help`; docs/benchmarks.md."""
