"""Uploads: multipart bodies, URLs, and what the files hold."""
