"""DPO (Rafailov et al. 2023), the paper's baseline, with TRL: `curator caspo dpo`.

* `config`   what a run may be told; no torch
* `pairs`    preference pairs with their pictures, as TRL takes them
* `training` the run
"""
