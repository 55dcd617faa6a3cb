"""Faults: armed for the next calls of a token, asked for by one request, or by chance."""
