"""One runnable module a claim: ``make bench NAME=apply``. Each writes ``docs/benchmarks/NAME.json`` and ``NAME.md``."""
