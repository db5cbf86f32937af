"""Environments in Python for Apus: its own worker, and `serve` for workers of your own."""
