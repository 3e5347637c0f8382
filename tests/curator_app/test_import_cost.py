"""Help comes at once: what `import curator_app` and `curator --help` load, and what they cost."""

import json
import resource
import subprocess
import sys

import pytest

# pydantic is not among them: typer itself loads it for commands within commands.
HEAVY = {
    "alembic",
    "argon2",
    "diffusers",
    "fastapi",
    "gradio",
    "numpy",
    "pandas",
    "PIL",
    "pyarrow",
    "sqlalchemy",
    "sqlmodel",
    "starlette",
    "torch",
    "transformers",
    "uvicorn",
}
HELP = "import curator_app.cli; curator_app.cli.app({words!r}, standalone_mode=False)"
REPORT = "\nimport json, sys; sys.stderr.write(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"


@pytest.mark.parametrize(
    "code",
    [
        "import curator_app",
        "import curator_app.cli",
        HELP.format(words=["--help"]),
        HELP.format(words=["users", "--help"]),
        HELP.format(words=["release", "--help"]),
        HELP.format(words=["demo", "--help"]),
        HELP.format(words=["token-shift", "--help"]),
    ],
)
def test_nothing_heavy_is_loaded(code):
    done = subprocess.run([sys.executable, "-c", code + REPORT], capture_output=True, text=True, check=True)
    assert set(json.loads(done.stderr)) & HEAVY == set()


def test_help_costs_less_than_a_second_of_processor_time():
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    code = HELP.format(words=["--help"])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert "doctor" in done.stdout
    assert (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime) < 1.0


def test_the_server_loads_no_model_library(workspace):
    """An annotators-only server runs where torch is not installed."""
    code = (
        "import sys\nfor name in ('torch', 'transformers', 'diffusers', 'openai'): sys.modules[name] = None\n"
        "from curator_app.settings import load_settings\nfrom curator_app.workspace import open_workspace\n"
        "from curator_app.server import build_server\nbuild_server(open_workspace(load_settings()))\nprint('built')"
    )
    environment = {"CURATOR_HOME": str(workspace.settings.home), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert done.stdout.strip() == "built", done.stderr
