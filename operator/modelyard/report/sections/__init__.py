"""The parts of a report, one a file: each a function of the report that returns a section."""
