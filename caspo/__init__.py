"""Trains on curated releases (CASPO). The package itself loads no torch.

* `objective`  the maths
* `local`      trains small models in one process
"""
