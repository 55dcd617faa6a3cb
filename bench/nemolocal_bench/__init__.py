"""Compares compression on this machine with the cloud: encode, validate, measure, report."""
