"""The arguments of each command; no module here imports more than argparse."""
