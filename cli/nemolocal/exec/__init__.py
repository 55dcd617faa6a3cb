"""The network environment of `exec` and `conform-client`: it leads a program to a local server."""
