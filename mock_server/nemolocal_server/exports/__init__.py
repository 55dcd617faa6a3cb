"""Exports: accepted, queued, rendered, and what has become of them."""
