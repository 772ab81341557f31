"""Measurements: not tests, but CI runs each at its smallest, so that they go on working."""
