"""Renders on many machines: the server hands the parts of a render to workers over Temporal."""
