"""Model folders that tests make: small ones of real classes."""
