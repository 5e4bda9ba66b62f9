"""First step of every target: refuse an old Python in one sentence, then set up what is missing.

This file alone must parse on Python 3.6, or an old Python would answer with a traceback.
"""

import sys

OLDEST = (3, 11)


def main():  # type: ignore[no-untyped-def]  # annotations would not parse everywhere
    if sys.version_info < OLDEST:
        wanted, found = ".".join(map(str, OLDEST)), sys.version.split()[0]
        message = "Python {} or newer is needed, {} is {}: install a newer one, or name one that is"
        sys.stderr.write(message.format(wanted, sys.executable, found))
        sys.stderr.write(" there with `make run PYTHON=/path/to/python3`.\n")
        return 1
    from scripts.install import main as install_what_is_missing

    return install_what_is_missing(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
