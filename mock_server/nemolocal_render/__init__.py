"""Render a draft to a file: plan, filter graph, FFmpeg, and a check of the result."""
