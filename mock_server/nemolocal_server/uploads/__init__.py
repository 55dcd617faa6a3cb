"""Uploads: multipart bodies, URLs, and probe results."""
