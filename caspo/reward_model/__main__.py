"""`accelerate launch -m caspo.reward_model TRAIN.yaml`: train in as many processes as accelerate starts."""

import sys
from pathlib import Path

from caspo.errors import CaspoError
from caspo.reward_model.config import read_config


def main() -> None:
    """Train as the file says; what is refused is printed as one sentence, with exit code 1."""
    if len(sys.argv) != 2:
        sys.exit("give one YAML file, as in docs/reward-model.md")
    try:
        from caspo.reward_model.training import train

        train(read_config(Path(sys.argv[1]), {}))
    except CaspoError as exc:
        sys.exit(f"caspo: {exc}")


if __name__ == "__main__":
    main()
