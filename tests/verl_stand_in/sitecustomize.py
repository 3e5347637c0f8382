"""With this folder on PYTHONPATH, `python -m verl.trainer.main_ppo` is the program beside it, verl or no verl.

Every other process finds the real verl, or none.
"""

import sys
from pathlib import Path

if "verl.trainer.main_ppo" in sys.orig_argv:
    sys.path.insert(0, str(Path(__file__).parent / "package"))
