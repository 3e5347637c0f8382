"""Errors of the adapters. Every message names the value and the remedy."""


class BenchmarkRefused(Exception):
    """A benchmark's files cannot be read as what they are said to be."""
