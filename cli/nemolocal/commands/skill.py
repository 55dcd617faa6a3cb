"""`nemolocal skill`: documents of skills, checked, run and begun."""

import argparse
import importlib


def run(arguments: argparse.Namespace) -> int:
    """What the action says; its module is imported only now."""
    action = importlib.import_module(f".skill_{arguments.action}", __package__)
    status: int = action.run(arguments)
    return status
