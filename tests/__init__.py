"""Tests; they mirror the import names. `tests.cluster` is the local cluster that they run on."""
