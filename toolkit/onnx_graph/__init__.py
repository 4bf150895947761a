"""What exporter and quantizer both ask of an ONNX graph."""
