"""The web server, without its pages, in a process that starts a run and says so: `python serve_and_start_run.py`."""

import sys

from run_workspace import ask_for

from curator_app.actions.run_jobs import start_run
from curator_app.running import open_port, run_server
from curator_app.server import build_server
from curator_app.settings import load_settings
from curator_app.workspace import open_workspace


def main() -> None:
    workspace = open_workspace(load_settings())

    def announce() -> None:
        start_run(workspace, ask_for(), actor="user:mia")
        sys.stdout.write("started\n")
        sys.stdout.flush()

    listener = open_port(host="127.0.0.1", port=0)
    run_server(build_server(workspace, pages=False), listener=listener, announce=announce)
    workspace.close()


if __name__ == "__main__":
    main()
