"""`torchrun -m caspo.dpo FOLDER`: the DPO run that FOLDER/config.yaml says, in as many processes as torchrun starts.

`python -m caspo.dpo --validate < JSON` says whether TRL takes a config, as `caspo.launch` asks it.
"""

import contextlib
import json
import sys
from pathlib import Path

import yaml

from caspo.dpo.config import DpoConfig
from caspo.errors import CaspoError
from caspo.torchrun import end_with_torchrun


def main() -> None:
    """See above; what is refused is printed as one sentence, with exit code 1."""
    if len(sys.argv) != 2:
        sys.exit("give the folder of a run that `curator caspo dpo` made")
    if sys.argv[1] == "--validate":
        _validate()
        return
    end_with_torchrun()
    folder = Path(sys.argv[1])
    try:
        from caspo.dpo.training import train

        train(DpoConfig.model_validate(yaml.safe_load((folder / "config.yaml").read_text("utf-8"))), folder)
    except CaspoError as exc:
        sys.exit(f"caspo: {exc}")


def _validate() -> None:
    asked = json.load(sys.stdin)
    complaint = None
    with contextlib.redirect_stdout(sys.stderr):
        from caspo.dpo.training import make_arguments

        try:
            make_arguments(DpoConfig.model_validate(asked["config"]), Path(asked["folder"]))
        except (TypeError, ValueError) as exc:
            complaint = f"{type(exc).__name__}: {exc}"
    json.dump([complaint], sys.stdout)


if __name__ == "__main__":
    main()
