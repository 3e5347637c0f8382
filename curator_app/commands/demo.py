"""`curator demo`: everything at once, with three people, the starter scenarios and some of HazardWorld.

With `--walk` no app but the whole path, from a proposed scene to a judged model.
"""

from typing import Annotated

import typer

from curator_app.commands.serve import Host, Port
from curator_app.commands.walk import walk_path

TOY_SCENES, TOY_SEED = 24, 1


def demo(
    host: Host = "127.0.0.1",
    port: Port = 7860,
    browser: Annotated[bool, typer.Option(help="Open the app in a browser, signed in as admin.")] = True,
    walk: Annotated[
        bool,
        typer.Option(
            "--walk",
            help="Serve nothing: walk the whole path on the toy world, from scenes to a trained and judged model.",
        ),
    ] = False,
) -> None:
    """Make a workspace with starter scenarios and a toy world if there is none, print sign-in links, and serve."""
    if walk:
        walk_path()
        return
    import shutil
    import sys
    import webbrowser

    from curator_app.actions.starting import DEMO_PEOPLE, add_hazard_world, make_links, prepare_workspace
    from curator_app.running import open_port, run_server
    from curator_app.server import build_server
    from curator_app.settings import load_settings
    from pipeline.hazard_world.world import NOTICE

    listener = open_port(host=host, port=port)
    workspace, loaded = prepare_workspace(load_settings(), starter=True, people=DEMO_PEOPLE)
    toys, _ = add_hazard_world(workspace, count=TOY_SCENES, seed=TOY_SEED)
    typer.echo(
        f"The workspace {workspace.settings.home} is ready ({loaded} new starter scenarios, {toys} new ones of "
        f"the batch hazard_world). {NOTICE} Starting …"
    )
    server = build_server(workspace)
    address = f"http://{host}:{port}"

    def announce() -> None:
        typer.echo(f"\nReady at {address}/  (Ctrl+C stops it)\n\nSign in with a link; each works once, for a day:\n")
        for name, roles, link in make_links(workspace, names=list(DEMO_PEOPLE)):
            typer.echo(f"  {name:<6} {roles:<10} {address}/link/{link}")
        program = "curator" if shutil.which("curator") else sys.argv[0]  # `make demo` leaves it off the PATH
        elsewhere = "" if address == workspace.settings.public_url else f"CURATOR_PUBLIC_URL={address} "
        typer.echo(f"\nFor a fresh link: {elsewhere}{program} users link NAME\n")
        if browser:
            (_, _, link), *_ = make_links(workspace, names=["admin"])
            webbrowser.open(f"{address}/link/{link}")

    run_server(server, listener=listener, announce=announce)
    workspace.close()
