"""Faults by name: armed for a token's next calls or for one request, and played where they bite."""
