"""Whether a variant is what it claims: smaller, changed, right, and run as it is written."""
