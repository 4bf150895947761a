"""Packs: what is rewritten before, how its parameters are coded, and the file itself."""
