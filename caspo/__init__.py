"""Trains on curated releases (CASPO). The package itself loads no torch.

* `constitution`  the six safety policies
* `objective`     the maths
* `local`         trains small models in one process
"""
