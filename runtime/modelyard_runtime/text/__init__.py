"""Built-in text: what a model is proven on where the user gives none of their own."""
