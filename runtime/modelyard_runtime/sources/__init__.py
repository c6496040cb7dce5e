"""Where a model's files come from. Only the files that a build uses are taken."""
