"""Real servers for tests, started on loopback: Triton, a registry, a hub."""
