"""What is known of a model before and after its weights are loaded."""
