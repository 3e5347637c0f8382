"""`curator serve`: the web server."""

from typing import Annotated

import typer

Host = Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for every one of this machine.")]
Port = Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")]


def serve(host: Host = "127.0.0.1", port: Port = 7860) -> None:
    """Serve the workspace to browsers and scripts until Ctrl+C."""
    from curator_app.running import open_port, run_server
    from curator_app.server import build_server
    from curator_app.settings import load_settings
    from curator_app.workspace import open_workspace

    workspace = open_workspace(load_settings())
    listener = open_port(host=host, port=port)
    typer.echo(f"Starting with the workspace {workspace.settings.home} …")
    server = build_server(workspace)
    address = f"http://{host}:{port}/"
    run_server(server, listener=listener, announce=lambda: typer.echo(f"Ready at {address}  (Ctrl+C stops it)"))
    workspace.close()
