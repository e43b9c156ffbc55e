"""`python -m compiler.atc`: ATC's command line where no entry point is installed."""

import sys

from compiler.atc import main

sys.exit(main())
