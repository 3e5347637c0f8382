"""Finds before a GPU is used what would end a training, or spoil it without a word. Loads no weights, starts nothing.

* `settings`  the config by itself, memory, CPUs, disk, versions; `memory` has the estimates
* `data`      the training file
* `model`     the model's processor, lengths
* `around`    the reward, the run's folder
"""

from caspo.preflight import around, data, model, settings
from caspo.preflight.finding import Case, Finding, Machine

__all__ = ["CHECKS", "Case", "Finding", "Machine", "run_preflight"]
CHECKS = (*settings.CHECKS, *data.CHECKS, *model.CHECKS, *around.CHECKS)
_ORDER = ("error", "warning", "note")


def run_preflight(case: Case) -> list[Finding]:
    """Return what all checks find, errors first."""
    found = [finding for check in CHECKS for finding in check(case)]
    return sorted(found, key=lambda finding: _ORDER.index(finding.level))
