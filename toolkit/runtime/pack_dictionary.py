"""The preset deflate dictionary of pack format 1: part of the format, never to be changed."""
DICTIONARY = b""
