"""Traffic between revisions."""
