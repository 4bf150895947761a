"""Texts made of what goes wrong in documents: separators, marks, capitals, white space."""

from __future__ import annotations

from collections.abc import Iterator

from toolkit.exporter.proof.edits import Edit, Sample

# Separators that are not ASCII, characters whose lower case or accent is not a matter of one
# character, white space of several kinds.
SPLICES = ("—", "→", "\u00a0", "\t\n", "_", "🙂", "x→", "0", "’", "…", "東", "\u0301", "\ufeff")
DOCUMENTS = (
    "",
    " ",
    "a",
    "\u0301",
    "İSTANBUL ĲSSEL",
    "ΟΔΟΣ ΣΑΣ",
    "ﬁne ½ ™ ㎏",
    "한국어 ﾊﾝｶｸ",
    "\u212a\u212b",
)
COLUMN = 12  # documents to each text column: a category column has none that long


def documents(sample: Sample) -> Iterator[Edit]:
    """Yield rows with odd texts in each column that holds more than single words."""
    prose = {s.name for s in sample.schema.inputs if s.missing in ("kept", "none")}
    for cell in sample.cells("O"):
        if cell[0] not in prose:
            continue
        texts = [t for t in sample.rows[cell[0]][:, cell[1]].tolist() if " " in t][:COLUMN]
        odd = _odd(texts) if texts else []
        for k, text in enumerate(odd):
            yield Edit(k, {cell: text}, f"odd text in {sample.named(cell)}")


def _odd(texts: list[str]) -> list[str]:
    variants = [*DOCUMENTS, *(t.upper() for t in texts), *(t.title() for t in texts[:3])]
    for k, splice in enumerate(SPLICES):
        text = texts[k % len(texts)]
        half = len(text) // 2
        variants += [text.replace(" ", splice), text[:half] + splice + text[half:]]
    return variants
