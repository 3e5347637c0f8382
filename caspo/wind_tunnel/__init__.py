"""The wind tunnel: the whole method on a tiny model in a toy world, on a CPU.

* `world`        what a world gives: scenes with their twins, answers of four kinds, exact scores; no torch
* `stage_zero`   pretraining and SFT, and the gate that they must pass before any RL
* `self_check` a step of the trainer against the same step by hand (`by_hand`), before any RL
* `reward`       the rewards of RL: learnt ones, which can be hacked, and the exact one

`caspo` knows no world. HazardWorld as a `World` is `curator_app.wind_tunnel_world.HazardWorld`.
"""
