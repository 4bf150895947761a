"""Timing loops: what is to be compared takes turns on rotating rows."""
