"""The wire contract of NemoVideo, without any I/O: names, shapes, bytes and rules.

Both the server and the client stand on this package and agree on nothing else.
"""
