"""Extractors: each knows the commands about one thing and extracts edits from a clause."""
