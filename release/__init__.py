"""Builds a release and checks it: `tox -e release`, or `python -m release`."""
