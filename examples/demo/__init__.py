"""From nothing to a served model: ``python -m examples.demo`` (or ``make demo``).

One step a module: ``target`` (which cluster), ``ownership`` (whose the operator there is), ``install`` (the
operator), ``sentence_model`` (a folder and its push), ``follow`` (a model on its way to Healthy), ``ask`` (16
sentences over HTTP and gRPC), ``reference`` (the same in PyTorch), ``table`` (what came of it). ``kubectl`` is how
all of them talk to the cluster.
"""
