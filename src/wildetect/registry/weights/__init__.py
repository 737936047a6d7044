"""Weights files: recognised, read, turned into ONNX."""
