"""Limits for tests: a program that misbehaves ends soon and takes little."""

from sandbox.limits import MIB, Limits

QUICK = Limits(timeout=20.0, memory=512 * MIB)
