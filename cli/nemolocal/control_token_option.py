"""The token of a server's control interface, as it is given to commands."""

import argparse
import os

CONTROL_TOKEN_VARIABLE = "NEMO_CONTROL_TOKEN"


def resolve_control_token(arguments: argparse.Namespace) -> str:
    """`--control-token`, else the variable, else ""."""
    return arguments.control_token or os.environ.get(CONTROL_TOKEN_VARIABLE, "")
