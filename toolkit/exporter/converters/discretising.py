"""Discretisers, quantiles and splines: a column cut into intervals; rows scaled to a norm."""

from __future__ import annotations

from math import factorial
from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.lookup import count_below, exact, flags, float_type, interpolate
from toolkit.exporter.values import Matrix, Outputs, Unconvertible, Value


def bins(est: Any, x: Value, g: Conversion) -> Outputs:
    """KBinsDiscretizer: how many inner edges are ≤ x, compared in float64; one-hot where asked."""
    kind = float_type(x)
    narrowed = est.dtype is not None and np.dtype(est.dtype) == np.float32
    x = exact(g, g.cast(g.matrix(x), "float32") if narrowed else x)
    counted = count_below(g, x, [np.asarray(e, dtype=np.float64)[1:-1] for e in est.bin_edges_])
    if est.encode == "ordinal":
        return {"transform": g.cast(counted, kind)}
    blocks = []
    for k, count in enumerate(est.n_bins_):
        places = g.constant(np.arange(count).reshape(1, -1), "int64", "bins")
        hot = g.add("Equal", [g.column(counted, k).name, places], "hot")
        blocks.append(Matrix(hot, "bool", int(count)))
    return {"transform": g.join([g.cast(b, kind) for b in blocks])}


def binarizer(est: Any, x: Value, g: Conversion) -> Outputs:
    """1 where x is above the threshold."""
    return {"transform": flags(g, x, float(est.threshold))}


# The reduction that is each norm; the largest needs the sizes first.
NORMS = {"l1": "ReduceL1", "l2": "ReduceL2", "max": "ReduceMax"}
# Rows below ten units of rounding are left as they are: scikit-learn's `_handle_zeros_in_scale`.
NOTHING = float(np.nextafter(10 * np.finfo(np.float64).eps, 0.0))


def normalizer(est: Any, x: Value, g: Conversion) -> Outputs:
    """Every row divided by its norm, in float64; a row of next to nothing stays."""
    kind = float_type(x)
    return {"transform": g.cast(normalized(g, exact(g, x), est.norm, NOTHING), kind)}


def normalized(g: Conversion, x: Matrix, norm: str, nothing: float) -> Matrix:
    """Return the rows of x divided by their "l1", "l2" or "max" norm where that is above `nothing`.

    The others stay as they are.
    """
    sizes = g.unary("Abs", x) if norm == "max" else x
    length = Matrix(g.reduce(NORMS[norm], sizes.name, [1]), x.dtype, 1)
    empty = g.compare("LessOrEqual", length, [nothing])
    return g.combine("Div", x, g.choose(empty, [1.0], length))


def quantiles(est: Any, x: Value, g: Conversion) -> Outputs:
    """QuantileTransformer: the mean of two interpolations, which part where quantiles repeat.

    `½ (interp(x, q, r) − interp(−x, −q reversed, −r reversed))`, the ends set to 0 and 1, and for
    the normal distribution its quantile function, all in float64.
    """
    kind, x = float_type(x), exact(g, x)
    q, r = np.asarray(est.quantiles_, dtype=np.float64), np.asarray(est.references_)
    columns, steps = list(q.T), [r] * x.width
    up = interpolate(g, x, columns, steps)
    negative = g.unary("Neg", x)
    down = interpolate(g, negative, [-c[::-1] for c in columns], [-r[::-1]] * x.width)
    mean = Matrix(g.add("Sub", [up.name, down.name], "twice"), "float64", x.width)
    p = g.binary("Mul", mean, 0.5, "half")
    normal = est.output_distribution == "normal"
    slack = BOUNDS_THRESHOLD if normal else 0.0
    for end, value, operator, sign in ((q[-1], 1.0, "Greater", 1), (q[0], 0.0, "Less", -1)):
        moved = g.binary("Add", x, sign * slack, "slack") if normal else x
        limit = g.constant(end.reshape(1, -1), "float64", "end")
        beyond = g.add(operator if normal else "Equal", [moved.name, limit], "beyond")
        constant = g.constant(value, "float64", "bound")
        p = Matrix(g.add("Where", [beyond, constant, p.name], "bounded"), "float64", x.width)
    result = normal_quantile(g, p) if normal else p
    gap = g.add("IsNaN", [x.name], "isnan")
    filled = g.add("Where", [gap, x.name, result.name], "quantile")
    return {"transform": g.cast(Matrix(filled, "float64", x.width), kind)}


BOUNDS_THRESHOLD = 1e-7  # of sklearn.preprocessing: how near the ends count as the ends

# Wichura's AS 241 (PPND16), Applied Statistics 37 (1988), 477–484: relative error 1e-16.
CENTRAL = (
    (3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
     1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
     3.3430575583588128105e4, 2.5090809287301226727e3),
    (1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
     2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4,
     5.2264952788528545610e3),
)  # fmt: skip
TAIL = (
    (1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
     3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
     2.27238449892691845833e-2, 7.74545014278341407640e-4),
    (1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
     1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
     1.05075007164441684324e-9),
)  # fmt: skip


def normal_quantile(g: Conversion, p: Matrix) -> Matrix:
    """Return the standard normal's quantile of p, clipped to 1e-7 from either end, in float64.

    So near the ends √(−log p) stays below 5, where AS 241 has its second tail formula.
    """
    least = BOUNDS_THRESHOLD - np.spacing(1)
    p = g.binary("Min", g.binary("Max", p, [least], "least"), [1 - least], "most")
    q = g.binary("Sub", p, [0.5], "half")
    square = g.mul(q, q)
    r = g.binary("Add", g.unary("Neg", square), [0.180625], "shift")
    central = g.mul(q, _ratio(g, r, CENTRAL))
    other = g.binary("Add", g.unary("Neg", p), [1.0], "one")
    smaller = Matrix(g.add("Min", [p.name, other.name], "smaller"), p.dtype, p.width)
    root = g.unary("Sqrt", g.unary("Neg", g.unary("Log", smaller)))
    tail = g.mul(g.unary("Sign", q), _ratio(g, g.binary("Sub", root, [1.6], "shift"), TAIL))
    limit = g.constant([0.425], p.dtype, "limit")
    inner = g.add("LessOrEqual", [g.unary("Abs", q).name, limit], "inner")
    return Matrix(g.add("Where", [inner, central.name, tail.name], "normal"), p.dtype, p.width)


def _ratio(
    g: Conversion, x: Matrix, polynomials: tuple[tuple[float, ...], tuple[float, ...]]
) -> Matrix:
    above, below = (_horner(g, x, c) for c in polynomials)
    return Matrix(g.add("Div", [above.name, below.name], "ratio"), x.dtype, x.width)


def _horner(g: Conversion, x: Matrix, coefficients: tuple[float, ...]) -> Matrix:
    total = g.binary("Mul", x, [coefficients[-1]], "c")
    for c in coefficients[-2:0:-1]:
        total = g.mul(g.binary("Add", total, [c], "c"), x)
    return g.binary("Add", total, [coefficients[0]], "c")


HUGE = 1e30  # beyond every knot, and its tenth power is finite


def splines(est: Any, x: Value, g: Conversion) -> Outputs:
    """SplineTransformer: the polynomial of x's interval, for all bases of a column at once.

    Every basis is a polynomial in x − knot between two knots; extrapolation adds an interval at
    either end. `powers [N, 1, k + 1] @ coefficients[interval] [N, k + 1, bases]`, in float64.
    """
    kind, x = float_type(x), exact(g, x)
    degree, blocks = est.degree, []
    for k, spline in enumerate(est.bsplines_):
        column = g.column(x, k)
        if est.extrapolation == "periodic":
            column = _wrapped(g, column, spline.t[spline.k], spline.t[-spline.k - 1])
        # scikit-learn counts the degree up in each column: kept, since its answers depend on it.
        knots, table = _pieces(spline, est.extrapolation, degree)
        if est.extrapolation == "linear" and degree <= 1:
            degree += 1
        if est.extrapolation == "constant":  # an infinity is beyond the ends like any number
            column = g.binary("Min", g.binary("Max", column, [-HUGE], "low"), [HUGE], "high")
        bases = table.shape[2] - (0 if est.include_bias else 1)
        blocks.append(_piecewise(g, column, knots, table[:, :, :bases]))
    if getattr(est, "handle_missing", "error") == "zeros":
        blocks = [_at_infinity(g, est, g.column(x, k), k, b) for k, b in enumerate(blocks)]
    return {"transform": g.cast(g.join(blocks), kind)}


def _at_infinity(g: Conversion, est: Any, x: Matrix, column: int, block: Matrix) -> Matrix:
    """Return a column's bases [N, width] with what scikit-learn gives for infinities in them.

    An estimator that takes missing values takes infinities too. Its answers there are numbers, NaN
    or infinities, by basis and by extrapolation: they are asked for. It may refuse them.
    """
    for end in (np.inf, -np.inf):
        try:
            values = est.transform(np.full((1, est.n_features_in_), end))
        except ValueError:  # the knots' limits are the last that it takes
            continue
        row = (values.toarray() if hasattr(values, "toarray") else values).reshape(-1)
        own = row[column * block.width : (column + 1) * block.width]
        beyond = g.compare("Equal", x, [end])
        block = g.choose(beyond, own, block)
    return block


def _wrapped(g: Conversion, x: Matrix, low: float, high: float) -> Matrix:
    if high <= low:
        return g.binary("Mul", x, [0.0], "constant")
    period = [high - low]
    run = g.binary("Sub", x, [low], "low")
    turns = g.unary("Floor", g.binary("Div", run, period, "period"))
    whole = g.binary("Mul", turns, period, "period")
    rest = Matrix(g.add("Sub", [run.name, whole.name], "rest"), x.dtype, 1)
    return g.binary("Add", rest, [low], "low")


def _pieces(spline: Any, extrapolation: str, degree: int) -> tuple[np.ndarray, np.ndarray]:
    """Return interval starts [m] and coefficients [m + 1, powers, bases]; row 0 is below the first.

    Row i > 0 holds Σ_p c_p (x − start)^p, p = 0 …; row 0 is about the first start too.
    """
    t, k = np.asarray(spline.t, dtype=np.float64), spline.k
    low, high = t[degree], t[-degree - 1]
    if extrapolation not in ("constant", "linear"):
        low, high = t[k], t[-k - 1]
    starts = np.unique(t[(t >= low) & (t < high)])
    starts = starts if len(starts) else np.array([low])
    inner = np.stack(
        [[spline(s, nu=p) / factorial(p) for p in range(max(k, 1) + 1)] for s in starts]
    )
    if extrapolation not in ("constant", "linear"):
        return starts, np.concatenate([inner[:1], inner])
    below, above = np.zeros_like(inner[0]), np.zeros_like(inner[0])
    slopes = extrapolation == "linear"
    count = degree + 1 if slopes and degree <= 1 else degree
    bases = inner.shape[2]
    for row, at, part in (
        (below, low, slice(0, count)),
        (above, high, slice(bases - count, bases)),
    ):
        row[0, part] = spline(at)[part]
        row[1, part] = spline(at, nu=1)[part] if slopes else 0.0
    # The last interval includes its end, so that "above" starts at the next number.
    after = np.nextafter(high, np.inf)
    return np.append(starts, after), np.concatenate([below[None], inner, above[None]])


def _piecewise(g: Conversion, x: Matrix, starts: np.ndarray, table: np.ndarray) -> Matrix:
    powers, bases = table.shape[1:]
    interval = g.add(
        "Reshape",
        [count_below(g, x, [starts]).name, g.constant([-1], "int64", "flat")],
        "interval",
    )
    origin = g.constant(np.concatenate([starts[:1], starts]).reshape(-1, 1), x.dtype, "starts")
    start = g.add("Gather", [origin, interval], "start", axis=0)
    run = Matrix(g.add("Sub", [x.name, start], "run"), x.dtype, 1)
    terms = [g.binary("Pow", run, [0.0], "power"), run]
    while len(terms) < powers:
        terms.append(g.mul(terms[-1], run))
    stacked = g.add(
        "Reshape", [g.join(terms).name, g.constant([-1, 1, powers], "int64", "shape")], "powers"
    )
    chosen = g.add("Gather", [g.constant(table, x.dtype, "pieces"), interval], "piece", axis=0)
    product = g.add("MatMul", [stacked, chosen], "bases")
    flat = g.add("Reshape", [product, g.constant([-1, bases], "int64", "shape")], "block")
    gap = g.add("IsNaN", [x.name], "isnan")
    zero = g.constant([0.0], x.dtype, "zero")
    return Matrix(g.add("Where", [gap, zero, flat], "spline"), x.dtype, bases)


def patches(est: Any, x: Value, g: Conversion) -> Outputs:
    """PatchExtractor takes images, and gives more rows than it takes."""
    raise Unconvertible("images in more than two dimensions: rows that become several rows, so it")


CONVERTERS = {
    "sklearn.Binarizer": binarizer,
    "sklearn.KBinsDiscretizer": bins,
    "sklearn.Normalizer": normalizer,
    "sklearn.PatchExtractor": patches,
    "sklearn.QuantileTransformer": quantiles,
    "sklearn.SplineTransformer": splines,
}
