"""Fitted estimators: reading and keeping them safely, and the form their rows take."""
