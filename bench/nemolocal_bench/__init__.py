"""Measurements: how fast the server is beside what it is built on, and what it costs to run."""
