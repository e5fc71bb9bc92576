"""Checking gradients: what this project tests itself with, for its users."""
