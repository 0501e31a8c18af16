"""The usual way to serve files from Python: Starlette's StaticFiles over the folder that the variable names."""

import os

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

app = Starlette(routes=[Mount("/", StaticFiles(directory=os.environ["STATIC_FOLDER"]))])
