"""``python -m plumb_trainer``."""

import sys

from plumb_trainer.run.cli import main

sys.exit(main(sys.argv[1:]))
