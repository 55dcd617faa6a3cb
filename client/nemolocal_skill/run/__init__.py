"""Runs the calls of a skill document."""
