"""What is done to a graph between export and engine. Each pass says how often it applied: a silent no-op is a bug."""
