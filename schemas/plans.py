"""The typed plan: steps from a closed vocabulary over a document's tables and figures."""

from __future__ import annotations

from schemas.base import Value


class AnalysisPlan(Value):
    """Placeholder until the vocabulary lands."""
