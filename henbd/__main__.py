"""`python -m henbd`."""

import sys

from henbd.cli import main

if __name__ == "__main__":
    sys.exit(main())
