"""Graph passes, one a file; each takes a ModelProto in place and returns whether it changed it."""

from __future__ import annotations

import onnx

from toolkit.exporter.passes import (
    deduplicate_initializers,
    drop_identity,
    flush_tiny,
    fuse_classifier,
    fuse_scaling,
    name_nodes,
    prune,
)

# In this order: what a dropped Identity leaves unused is pruned after it; only what is wanted is
# fused, with the weights as they are to be.
PASSES = (
    deduplicate_initializers.apply,
    drop_identity.apply,
    prune.apply,
    flush_tiny.apply,
    fuse_classifier.apply,
    fuse_scaling.apply,
    name_nodes.apply,
)


def run(model: onnx.ModelProto) -> bool:
    """Run every pass once; return whether any changed the model."""
    changed = [apply(model) for apply in PASSES]
    return any(changed)
