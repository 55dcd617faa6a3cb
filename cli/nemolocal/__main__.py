"""`python -m nemolocal` is the command `nemolocal`, which begins here too.

Nothing is imported before an interrupt is waited for: importing takes as long as many a command.
"""

import sys


def main() -> int:
    """Run the command; 130, in one line, where it is interrupted at any time."""
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
