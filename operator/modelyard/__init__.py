"""Modelyard: transformers on Kubernetes, from source to proven traffic; the operator and the command line."""

from importlib.metadata import version

__version__ = version("modelyard")
