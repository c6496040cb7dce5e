"""Manifests to start from, and the demo that applies one of them."""
