"""Trains on curated releases (CASPO). Nothing here yet."""
