"""The objects' types, as users write them: the CRDs are generated from these."""
