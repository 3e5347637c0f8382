"""Errors of the adapters. Every message names the value and the remedy."""

from judge.errors import JudgeError


class BenchmarkRefused(JudgeError):
    """A benchmark's files cannot be read as what they are said to be."""
