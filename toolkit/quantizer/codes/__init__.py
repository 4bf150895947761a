"""Tensors as small integers: the encodings of a pack, how to round, and which one to choose."""
