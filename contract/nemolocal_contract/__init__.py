"""The wire contract of NemoVideo, without I/O: names, types, bytes and rules.

This package is all that the server and the client share.
"""
