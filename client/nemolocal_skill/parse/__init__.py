"""Parsers for the parts of a skill document."""
