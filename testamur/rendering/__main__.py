"""A worker process. Not for people: `workers.RenderingPool` starts it."""

import sys

from testamur.rendering.worker import main

main(sys.argv[1:])
