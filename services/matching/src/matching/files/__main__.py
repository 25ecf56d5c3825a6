import sys

from .solve import main

if __name__ == "__main__":
    sys.exit(main())
