"""What a model takes: its inputs, and how rows go from the user's form to theirs and back.

`given` brings rows into the form that the estimator was fitted on, `infer` reads the schema from
them and from what `told` finds in the estimator, `rows` keeps rows by input name and gives them
back to the estimator.
"""

from toolkit.exporter.schema.declare import declare
from toolkit.exporter.schema.given import as_fitted
from toolkit.exporter.schema.infer import infer
from toolkit.exporter.schema.rows import arrays, frame, rounded
from toolkit.exporter.schema.spec import Schema, Spec
from toolkit.exporter.schema.told import text_columns

__all__ = [
    "Schema",
    "Spec",
    "arrays",
    "as_fitted",
    "declare",
    "frame",
    "infer",
    "rounded",
    "text_columns",
]
