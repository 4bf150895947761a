"""Formulas that several families share, as nodes of a graph: no estimator is known here."""
