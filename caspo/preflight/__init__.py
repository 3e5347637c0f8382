"""Finds before a GPU is used what would end a training, or spoil it without a word. Loads no weights, starts nothing.

* `settings`  the config by itself, memory, CPUs, disk, versions; `memory` has the estimates
* `data`      the training file
* `model`     the model's processor, lengths
* `around`    the reward, the run's folder
"""

from typing import cast

from caspo.config import ConversationsConfig, RunConfig, TrainConfig
from caspo.preflight import around, data, model, settings
from caspo.preflight.finding import Case, Finding, Machine

__all__ = ["Case", "Finding", "Machine", "run_preflight"]
_ORDER = ("error", "warning", "note")


def run_preflight(case: Case[RunConfig]) -> list[Finding]:
    """Return what all checks of the case's stage find, errors first."""
    checks = (*settings.SHARED, *data.SHARED, *model.SHARED, *around.SHARED)
    found = [finding for check in checks for finding in check(case)]
    config = case.config
    if isinstance(config, TrainConfig):
        training = cast("Case[TrainConfig]", case)
        found += [one for check in (*settings.RL, *data.RL, *model.RL, *around.RL) for one in check(training)]
    elif isinstance(config, ConversationsConfig):
        learning = cast("Case[ConversationsConfig]", case)
        found += [one for check in (*settings.CONVERSATIONS, *model.CONVERSATIONS) for one in check(learning)]
    return sorted(found, key=lambda finding: _ORDER.index(finding.level))
