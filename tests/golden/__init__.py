"""Frozen behaviour: transcripts of what the project shows to others, compared byte for byte.

`python -m tests.golden --update` makes them again; README.md says when that is right.
"""
