"""`curator doctor`: is everything in order, and if not, what to do."""

import typer


def doctor() -> None:
    """Check the database, the audit chain, the pictures, the disk and the versions; exit 1 if something is wrong."""
    from curator_app.actions.checks import run_checks
    from curator_app.settings import load_settings

    findings = run_checks(load_settings())
    for finding in findings:
        typer.echo(f"{'ok  ' if finding.fine else 'BAD '} {finding.name:<12} {finding.detail}")
        if not finding.fine:
            typer.echo(f"     {'':<12} -> {finding.remedy}")
    if not all(finding.fine for finding in findings):
        raise typer.Exit(1)
