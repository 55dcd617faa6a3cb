"""Clips of different nature, and the search for a target on them."""
