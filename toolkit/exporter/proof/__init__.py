"""The proof of a graph: on which rows, against what, and which rows it fails on.

prove       the comparison of a graph with its estimator, and its verdict
evidence    the rows, scikit-learn's answers to them, and their scale
comparison  figures of one comparison; failures: its worst rows
adversarial     adversarial rows, made by
sweep, thresholds, boundaries, points, documents; edits: what such a row is
acceptance  which rows and values scikit-learn takes; ties: which rows it decides by chance
"""
