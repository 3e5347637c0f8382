"""The command line in this process, which saves the two seconds that starting one takes."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from curator_app.cli import main


def run_curator_here(
    *words: str,
    environment: Mapping[str, str],
    cwd: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> tuple[int, str, str]:
    """Run `curator WORDS…` with these variables in this folder; return its exit code, output and errors."""
    with monkeypatch.context() as here:
        here.setattr(os, "environ", os.environ.copy())
        for name in set(os.environ) - set(environment):
            here.delenv(name)
        for name, value in environment.items():
            here.setenv(name, value)
        here.chdir(cwd)
        here.setattr(sys, "argv", ["curator", *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
    said = capsys.readouterr()
    code = ended.value.code
    return (code if isinstance(code, int) else int(code is not None)), said.out, said.err
