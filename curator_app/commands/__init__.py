"""The commands of `curator`, one file each; heavy imports sit inside the functions."""
