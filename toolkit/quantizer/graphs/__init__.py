"""ONNX variants: graphs whose weights, or whose products too, are integers."""
