"""Trains on curated releases (CASPO): `caspo.objective` holds the maths. The package itself loads no torch."""
