"""The entry point of `nemolocal` and `python -m nemolocal`.

Ctrl-C is handled before anything else is imported: imports take longer than many a command.
"""

import sys


def main() -> int:
    """Run the command; return 130 after one line if it is interrupted at any time."""
    try:
        from .termination import graceful_termination

        with graceful_termination():
            from .main import main as run

            return run()
    except KeyboardInterrupt:
        print("nemolocal: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
