"""Clips of different content, and the target search on them."""
