"""One runnable module a claim: ``make bench NAME=apply`` writes ``docs/benchmarks/apply.{json,md}``."""
