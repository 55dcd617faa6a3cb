"""The network environment of `exec` and `conform-client`: it routes a program to a local server."""
