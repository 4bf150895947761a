"""The contract's tolerance, and which part of it each part of a graph may use up.

What stands behind a step adds errors of its own, so that none may use up the whole. A share is of
the same unit as the tolerance (a column's scale, see `toolkit.metrics`) unless it says another.
"""

TOLERANCE = 1e-4  # of a column's scale
FLOAT32_UNIT = 2.0**-24  # the relative rounding error of one float32 operation
FLOAT64_UNIT = 2.0**-52  # one part of a float64 number

ROUNDED_ANSWERS = TOLERANCE / 10  # answers kept in float32
TIED_ANSWERS = TOLERANCE / 10  # of what lies between the answers of a tie, by float32 before it
LINEAR_STEPS = TOLERANCE / 5  # chains of linear steps and scalings
POLYNOMIALS = TOLERANCE / 5  # on rows at and beyond the data's ends too
TREE_SUMS = TOLERANCE / 5  # float32 sums of leaves
SINGLE_KERNELS = TOLERANCE / 4  # float32 sums of kernels: other rows may lose twice as much
MIXED_KERNELS = TOLERANCE / 2  # of kernels rounded to float32, summed in float64
CENTRED_PRODUCTS = TOLERANCE / 2  # of a product whose input's centre is taken out first
SHORT_BIASES = TOLERANCE  # a bias in float32, of the deviation of what it is added to
LATENT_VARIANCES = TOLERANCE  # of 1 + variance: a probability changes by a thirtieth of that
