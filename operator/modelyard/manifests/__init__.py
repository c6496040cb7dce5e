"""Kubernetes objects as functions of what they serve, a kind a file. Pure."""
