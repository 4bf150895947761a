"""A second reader of packs, written from docs/pack-format.md alone, without numpy or toolkit.

It is here to show that the document suffices: it shares no line with the reader that ships. Only
the standard library is used, and everything in it is plain lists and loops.
"""

from tests.second_reader.container import Packed, read

__all__ = ["Packed", "read"]
