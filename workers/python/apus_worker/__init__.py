"""Environments in Python for Apus: its own worker, and `serve` for workers of your own."""

from .serving import Refused, serve
from .wire import Box, Bytes, Discrete, MultiDiscrete

__all__ = ["Box", "Bytes", "Discrete", "MultiDiscrete", "Refused", "serve"]
