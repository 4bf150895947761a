"""Sparse codes over a dictionary: thresholds, matching pursuit and the lasso."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.linear_map import result_dtype, wide
from toolkit.exporter.formulas.matmul import affine
from toolkit.exporter.subgraphs import loop
from toolkit.exporter.values import Matrix, Outputs, Unconvertible, Value

EPS = float(np.finfo(np.float64).eps)
# The lasso's iteration: its step as a part of the atoms' squared norm (measured: 300 to 1300 steps
# on toy data, digits and iris; ten times less or more takes several times as many), when it has
# settled, and after how many steps it ends in any case.
STEP, RELAXATION, SETTLED, STEPS = 0.1, 1.7, 1e-11, 5000


def dictionary(est: Any, x: Value, g: Conversion) -> Outputs:
    """DictionaryLearning, MiniBatchDictionaryLearning: atoms are components_ [k, d]."""
    return _coded(est, np.asarray(est.components_, dtype=np.float64), x, g)


def coder(est: Any, x: Value, g: Conversion) -> Outputs:
    """SparseCoder: the atoms are its parameter `dictionary`."""
    return _coded(est, np.asarray(est.dictionary, dtype=np.float64), x, g)


def _coded(est: Any, atoms: np.ndarray, x: Value, g: Conversion) -> Outputs:
    algorithm = est.transform_algorithm
    if algorithm not in ALGORITHMS:
        raise Unconvertible(
            f"transform_algorithm={algorithm!r} (a path of steps; 'lasso_lars', 'lasso_cd', 'omp' "
            "and 'threshold' export)"
        )
    if est.positive_code and algorithm == "lasso_lars":
        # Least angle regression kept positive leaves the lasso's path.
        raise Unconvertible("positive_code=True with transform_algorithm='lasso_lars'")
    code = ALGORITHMS[algorithm](est, atoms, wide(g, x), g)
    if est.split_sign:
        negative = g.binary("Max", g.unary("Neg", code), [0.0], "zero")
        code = g.join([g.binary("Max", code, [0.0], "zero"), negative])
    return {"transform": g.cast(code, result_dtype(g, x))}


def _penalty(est: Any) -> float:
    """Return the weight of the l1 norm: transform_alpha, or the alpha that was fitted with."""
    alpha = est.transform_alpha
    if alpha is None:
        alpha = getattr(est, "alpha", None)
    return 1.0 if alpha is None else float(alpha)


def threshold(est: Any, atoms: np.ndarray, x: Matrix, g: Conversion) -> Matrix:
    """`sign(c) · max(|c| − α, 0)` of the products c = x·atom."""
    products = affine(g, x, atoms.T, np.zeros(len(atoms)))
    limit = np.full(1, _penalty(est))
    return _shrunk(g, products, limit, est.positive_code)


def lasso(est: Any, atoms: np.ndarray, x: Matrix, g: Conversion) -> Matrix:
    """`argmin_c ½‖x − c D‖² + α‖c‖₁`, c ≥ 0 where positive_code, to convergence.

    scikit-learn's least angle regression ends at this minimum. Its coordinate descent stops short
    of it by a duality gap; where the atoms are so alike that this shows, the proof fails.

    By alternating directions: with `M = (D Dᵀ + ρI)⁻¹`, shared by all rows,
    `w = (x Dᵀ + ρ(z − u)) M` and `v = r·w + (1 − r) z + u`, then u is v cut to ±α/ρ and z what was
    cut off (Boyd et al. 2011, section 6.4, over-relaxed by r). One step is one product of matrices
    for all atoms and rows.
    """
    gram = atoms @ atoms.T
    step = STEP * float(np.diag(gram).mean())
    inverse = np.linalg.inv(gram + step * np.eye(len(atoms)))
    limit = _penalty(est) / step
    products = affine(g, x, atoms.T @ inverse, np.zeros(len(atoms)))
    nothing = g.binary("Mul", products, [0.0], "nothing")

    def body(_: str, state: list[Matrix]) -> tuple[list[Matrix], str]:
        start, z, u = state
        pulled = affine(g, _combined(g, "Sub", z, u), step * inverse, np.zeros(len(atoms)))
        w = _combined(g, "Add", start, pulled)
        relaxed = g.binary("Mul", w, [RELAXATION], "relaxation")
        rest = g.binary("Mul", z, [1.0 - RELAXATION], "rest")
        v = _combined(g, "Add", _combined(g, "Add", relaxed, rest), u)
        cut = g.binary("Min", v, [limit], "high")
        if not est.positive_code:
            cut = g.binary("Max", cut, [-limit], "low")
        following = _combined(g, "Sub", v, cut)
        moved = _combined(g, "Sub", following, z), _combined(g, "Sub", following, w)
        off = g.add("Add", [_size(g, m) for m in moved], "off")
        allowed = g.constant(np.array(SETTLED), "float64", "settled")
        bound = g.add("Mul", [_size(g, following), allowed], "bound")
        return [start, following, cut], g.add("Greater", [off, bound], "more")

    return loop(g, [products, nothing, nothing], body, times=STEPS)[1]


def _combined(g: Conversion, op: str, a: Matrix, b: Matrix) -> Matrix:
    return Matrix(g.add(op, [a.name, b.name], op.lower()), a.dtype, a.width)


def _size(g: Conversion, x: Matrix) -> str:
    """Return `Σ|x|` over all rows, a scalar."""
    return str(g.add("ReduceL1", [x.name], "size", keepdims=0))


def _shrunk(g: Conversion, x: Matrix, limit: np.ndarray, positive: bool) -> Matrix:
    """Return x moved towards 0 by the limit; where positive, what is below 0 becomes 0."""
    if positive:
        return g.binary("Max", g.binary("Sub", x, limit, "limit"), [0.0], "zero")
    inside = g.binary("Min", g.binary("Max", x, -limit, "low"), limit, "high")
    return Matrix(g.add("Sub", [x.name, inside.name], "shrunk"), x.dtype, x.width)


def pursuit(est: Any, atoms: np.ndarray, x: Matrix, g: Conversion) -> Matrix:
    """Orthogonal matching pursuit: greedily the atom that best fits the rest, all of them refitted.

    The chosen atoms are kept as an orthonormal basis, each vector q [k] in coefficients of atoms
    and orthogonal in the metric of the Gram matrix G: a new atom e gives
    `q = e − Σ (q_iᵀ G e) q_i`, normed, and adds `(q·b) q` to the code, b = x·atoms. A row rests
    when its best atom was chosen before, fits by less than the square root of epsilon, or depends
    on the others; scikit-learn stops it there too (Rubinstein, Zibulevsky & Elad 2008).
    """
    count, width = atoms.shape
    wanted = est.transform_n_nonzero_coefs
    wanted = int(min(max(width / 10, 1), count) if wanted is None else wanted)
    gram = atoms @ atoms.T
    products = affine(g, x, atoms.T, np.zeros(count))
    nothing = g.binary("Mul", products, [0.0], "nothing")
    basis = g.add("Unsqueeze", [nothing.name, g.constant([1], "int64", "axis")], "basis")
    empty = g.constant(np.zeros((1, wanted, 1)), "float64", "empty")
    basis = g.add("Add", [basis, empty], "basis")
    active = g.binary("Equal", g.column(nothing, 0), [0.0], "active")
    state = [
        nothing,
        Matrix(basis, "float64", count),
        products,
        nothing,
        Matrix(active.name, "bool", 1),
    ]
    step = partial(_pursue, g, gram=gram, wanted=wanted)
    return loop(g, state, step, times=wanted)[0]


def _pursue(
    g: Conversion, step: str, state: list[Matrix], gram: np.ndarray, wanted: int
) -> tuple[list[Matrix], str]:
    """Choose an atom a row; state: code, basis [N, wanted, k], products, chosen atoms, active."""
    code, basis, products, chosen, active = state
    count = len(gram)
    size = g.constant(EPS, "float64", "epsilon")

    def dot(a: Matrix, b: Matrix) -> Matrix:
        return Matrix(g.reduce("ReduceSum", g.mul(a, b).name, [1]), "float64", 1)

    def metric(v: Matrix) -> Matrix:
        return affine(g, v, gram, np.zeros(count))

    fitted = metric(code)
    rest = Matrix(g.add("Sub", [products.name, fitted.name], "rest"), "float64", count)
    best = g.add("ArgMax", [g.unary("Abs", rest).name], "best", axis=1, keepdims=1)
    picked = g.add("Equal", [best, g.constant(np.arange(count), "int64", "atoms")], "picked")
    atom = g.cast(Matrix(picked, "bool", count), "float64")
    fit, again = dot(rest, atom), dot(chosen, atom)
    weak = g.add("Less", [g.mul(fit, fit).name, size], "weak")
    twice = g.add("Greater", [again.name, g.constant(0.5, "float64", "half")], "twice")
    v = atom
    for _ in range(2):  # once more for what rounding left in it
        v = _orthogonal(g, basis, v, metric(v))
    norm = dot(metric(v), v)
    dependent = g.add("LessOrEqual", [norm.name, size], "dependent")
    stops = g.add("Or", [g.add("Or", [weak, twice], "stops"), dependent], "stops")
    goes = g.add("And", [active.name, g.add("Not", [stops], "fine")], "goes")
    one = g.constant(1.0, "float64", "one")
    length = g.add("Sqrt", [g.add("Where", [goes, norm.name, one], "norm")], "length")
    unit = Matrix(g.add("Div", [v.name, length], "unit"), "float64", count)
    unit = g.mul(unit, g.cast(Matrix(goes, "bool", 1), "float64"))
    part = g.mul(unit, dot(unit, products))
    place = g.constant(np.arange(wanted)[None, :, None], "int64", "places")
    here = g.add("Equal", [place, step], "here")
    row = g.add("Unsqueeze", [unit.name, g.constant([1], "int64", "axis")], "row")
    following = [
        Matrix(g.add("Add", [code.name, part.name], "code"), "float64", count),
        Matrix(g.add("Where", [here, row, basis.name], "basis"), "float64", count),
        products,
        Matrix(g.add("Add", [chosen.name, atom.name], "chosen"), "float64", count),
        Matrix(goes, "bool", 1),
    ]
    return following, g.add("Identity", [g.constant(np.array(True), "bool", "true")], "more")


def _orthogonal(g: Conversion, basis: Matrix, v: Matrix, image: Matrix) -> Matrix:
    """Return v without its parts along the basis; image = G v."""
    axis = g.constant([2], "int64", "axis")
    parts = g.add("MatMul", [basis.name, g.add("Unsqueeze", [image.name, axis], "image")], "parts")
    along = g.reduce("ReduceSum", g.add("Mul", [basis.name, parts], "along"), [1], keep=False)
    return Matrix(g.add("Sub", [v.name, along], "orthogonal"), v.dtype, v.width)


ALGORITHMS: dict[str, Callable[[Any, np.ndarray, Matrix, Conversion], Matrix]] = {
    "threshold": threshold,
    "omp": pursuit,
    "lasso_lars": lasso,
    "lasso_cd": lasso,
}

CONVERTERS = {
    "sklearn.DictionaryLearning": dictionary,
    "sklearn.MiniBatchDictionaryLearning": dictionary,
    "sklearn.SparseCoder": coder,
}
