"""What a process owes to the torchrun that started it. No torch here."""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def end_with_torchrun() -> None:
    """Have the kernel kill this process when its torchrun dies (Linux).

    torchrun starts each process in a session of its own: one that is killed would leave them training, without the
    lock of the run's folder.
    """
    if sys.platform == "linux" and "TORCHELASTIC_RUN_ID" in os.environ:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
