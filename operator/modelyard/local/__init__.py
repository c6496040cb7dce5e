"""Builds on the machine at hand, without a cluster: what the Job's steps do, run as processes here."""
