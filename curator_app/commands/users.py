"""`curator users`: people, their roles, links and tokens."""

from datetime import timedelta
from typing import Annotated

import typer

app = typer.Typer(help="People: add, roles, one-time links, tokens.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The person's name.")]
Roles = Annotated[
    list[str], typer.Option("--role", help="annotator, adjudicator, maintainer, trainer or admin; repeatable.")
]
Hours = Annotated[float, typer.Option(min=0.01, max=720, help="Hours until an unused link is void.")]


@app.command("add")
def add(
    name: Name,
    role: Roles,
    password: Annotated[bool, typer.Option("--password", help="Ask for a password now instead of a link.")] = False,
) -> None:
    """Add a person and print a one-time sign-in link (or ask for a password)."""
    from curator_app.actions.people import describe_roles, open_desk

    secret = _ask_password(name) if password else None
    with open_desk() as desk:
        person = desk.add(name=name, roles=role, password=secret)
        typer.echo(f"Added {person.name} ({describe_roles(person)}).")
        if secret is None:
            _print_link(desk.make_link(name=name), name)


@app.command("list")
def list_people() -> None:
    """List everybody, their roles and tokens."""
    from curator_app.actions.people import open_desk

    with open_desk() as desk:
        lines = desk.list()
    if not lines:
        typer.echo("There is nobody yet. Add somebody: curator users add NAME --role admin")
        return
    width = max(len(line.name) for line in lines)
    for line in lines:
        state = "disabled" if line.disabled else "password" if line.has_password else "link only"
        tokens = f"  tokens: {', '.join(line.tokens)}" if line.tokens else ""
        typer.echo(f"{line.name:<{width}}  {line.roles:<34}  {state}{tokens}")


@app.command("roles")
def set_roles(name: Name, role: Roles) -> None:
    """Replace a person's roles."""
    from curator_app.actions.people import describe_roles, open_desk

    with open_desk() as desk:
        person = desk.set_roles(name=name, roles=role)
    typer.echo(f"{person.name} now has: {describe_roles(person)}.")


@app.command("link")
def make_link(name: Name, hours: Hours = 24) -> None:
    """Print a sign-in link that works once."""
    from curator_app.actions.people import open_desk

    with open_desk() as desk:
        _print_link(desk.make_link(name=name, ttl=timedelta(hours=hours)), name)


@app.command("token")
def make_token(
    name: Name,
    label: Annotated[str, typer.Option(help="What the token is for; names it when you revoke it.")] = "script",
) -> None:
    """Print a token for scripts. It is shown this once; only its hash is kept."""
    from curator_app.actions.people import open_desk

    with open_desk() as desk:
        typer.echo(desk.make_token(name=name, label=label))


@app.command("revoke")
def revoke_token(name: Name, label: Annotated[str, typer.Option(help="The token's label.")] = "script") -> None:
    """Revoke a token; a running server refuses it within seconds."""
    from curator_app.actions.people import open_desk

    with open_desk() as desk:
        desk.revoke_token(name=name, label=label)
    typer.echo(f"The token {label} of {name} is revoked.")


@app.command("disable")
def disable(
    name: Name,
    undo: Annotated[bool, typer.Option("--undo", help="Let the person in again.")] = False,
) -> None:
    """Lock a person out; their work stays. Ends their sessions and tokens within seconds."""
    from curator_app.actions.people import open_desk

    with open_desk() as desk:
        desk.set_disabled(name=name, disabled=not undo)
    typer.echo(f"{name} may sign in again." if undo else f"{name} is locked out.")


@app.command("password")
def set_password(name: Name) -> None:
    """Ask for a new password for a person; their sessions end."""
    from curator_app.actions.people import open_desk

    secret = _ask_password(name)
    with open_desk() as desk:
        desk.set_password(name=name, password=secret)
    typer.echo(f"The password of {name} is set.")


def _ask_password(name: str) -> str:
    return str(typer.prompt(f"New password for {name}", hide_input=True, confirmation_prompt=True))


def _print_link(secret: str, name: str) -> None:
    from curator_app.settings import load_settings

    typer.echo(f"Sign-in link for {name}, works once:\n  {load_settings().public_url.rstrip('/')}/link/{secret}")
