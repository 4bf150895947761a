"""Words and characters of a text, with standard operators alone."""
