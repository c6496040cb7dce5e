"""Our Triton backend, named ``modelyard``: a version folder in, answers out; the engine is a parameter.

Runs in Triton's stub process with numpy 1, onnxruntime and openvino, under Python 3.11 or 3.12.
"""
