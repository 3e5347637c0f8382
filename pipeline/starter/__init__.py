"""Starter content that ships with the curator: scenarios with their ground truth, and the pictures drawn for them."""
