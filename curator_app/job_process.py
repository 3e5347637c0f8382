"""The process of one run: `python -m curator_app.job_process NAME`. The Runs page starts it; people need not.

It works on the run that was put down in the database under that name. What it prints goes to `job.log`.
"""

import sys


def main(name: str) -> int:
    """Work on the run; return the exit code."""
    from curator_app.actions.runs import run_queued
    from curator_app.errors import AppError
    from curator_app.settings import load_settings
    from curator_app.workspace import open_workspace
    from storage.errors import StorageError

    try:
        workspace = open_workspace(load_settings())
        try:
            run_queued(workspace, name=name)
        finally:
            workspace.close()
    except (AppError, StorageError) as exc:
        sys.stderr.write(f"{exc}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
