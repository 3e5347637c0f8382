"""What the wind tunnel measured of a run after its last step: its trainer looks at nothing held out on the way.

The models that RL began with were measured too, and lie beside the run; that is the value at step 0.
"""

import json
from pathlib import Path

from caspo.monitor.series import Points
from caspo.wind_tunnel.config import MEASURED
from caspo.wind_tunnel.measures import MEASURES, Measured, SetName, read_value

_PLACE: SetName = "new_scenes"
_TAKEN = {
    "held_out_reward": "reward", "held_out_r": "r_a", "held_out_s": "s_a", "held_out_e": "e_a", "held_out_r_0": "r_0",
    "held_out_s_0": "s_0", "held_out_e_0": "e_0", "false_alarms": "false_alarms", "held_out_twin_reward": "twin_reward",
}  # fmt: skip


def read_measured(folder: Path, last_step: int) -> dict[str, Points]:
    """Return the held-out figures of a run of the wind tunnel at step 0 and at its last; nothing of other runs."""
    after = _read(folder)
    if not after:
        return {}
    seeds = folder.name.split("-")[1:2]
    started = next((_read(each) for each in sorted(folder.parent.glob(f"sft-{seeds[0]}-*"))), {}) if seeds else {}
    return {
        name: (*([(0, started[name])] if name in started else []), (last_step, value)) for name, value in after.items()
    }


def _read(folder: Path) -> dict[str, float]:
    try:
        body = json.loads((folder / MEASURED).read_text(encoding="utf-8"))
        measured = Measured(body["columns"], {})
        found = {name: read_value(measured, _PLACE, MEASURES[of]) for name, of in _TAKEN.items()}
        counts = (("held_out_hazards", _PLACE), ("held_out_twins", f"{_PLACE}_twins"))
        return found | {name: float(len(body["columns"][place]["r"])) for name, place in counts}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
