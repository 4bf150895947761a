"""Data sets that need no network, one file each, and the reader of user files."""
