"""The web server of `curator serve` without the Gradio pages, which take seconds to load. Started by the fault tests.

python serve_without_pages.py PORT
"""

import sys

from curator_app.running import open_port, run_server
from curator_app.server import build_server
from curator_app.settings import load_settings
from curator_app.workspace import open_workspace

if __name__ == "__main__":
    workspace = open_workspace(load_settings())
    listener = open_port(host="127.0.0.1", port=int(sys.argv[1]))
    run_server(build_server(workspace, pages=False), listener=listener, announce=lambda: None)
    workspace.close()
