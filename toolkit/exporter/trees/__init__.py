"""Tree ensembles as numpy arrays, the nodes that they become, and what is folded into them."""
