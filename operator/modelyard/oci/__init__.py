"""Artifacts in OCI registries: references, deterministic layers, and a small client.

Written here rather than taken from the ``oras`` package: that one compresses layers, keeps timestamps, and knows
neither the referrers' tag fallback nor resuming a download, which are what this project needs of it.
"""
