"""Every metric the log and its stages report: the closed list. Labels are bounded; an id is never one."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.001, 0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)

# Deliveries that came to an outcome: done, skipped (not for this stage), retried, dead.
DELIVERIES = Counter("vaultra_deliveries_total", "Deliveries by stage and outcome", ("stage", "outcome"))
# Wall time from picking an event up to its outcome, without queueing and appending.
DELIVERY_SECONDS = Histogram("vaultra_delivery_seconds", "Seconds of a delivery", ("stage",), buckets=_SECONDS)
# Deliveries put off, by why: retry_later or timeout.
RETRIES = Counter("vaultra_retries_total", "Deliveries put on the retry topic", ("stage", "why"))
# Attempts repeated in place because a store did not answer; rising means an outage, nothing is lost.
OUTAGES = Counter("vaultra_outage_waits_total", "Waits for a log, database or blob store that is gone", ("stage",))
# Deliveries given up, with their bytes kept on `<stage>.dead`.
DEAD_LETTERS = Counter("vaultra_dead_letters_total", "Deliveries given up", ("stage",))
# 1 while a stage is halted by a run of dead letters: the alarm to page on.
HALTED = Gauge("vaultra_stage_halted", "1 while a stage is halted", ("stage",))
# Events waiting in front of a stage, its retries included.
LAG = Gauge("vaultra_stage_lag_events", "Events a stage has not finished", ("stage",))
# Events a projection has not applied, of the log as it is now.
PROJECTION_LAG = Gauge("vaultra_projection_lag_events", "Events a projection has not applied", ("projection",))
# Lanes (partitions) at work at this moment, one delivery each; at the limit the stage is saturated.
BUSY_LANES = Gauge("vaultra_stage_busy_lanes", "Lanes being worked on", ("stage",))
# Time to append the outputs of a group of deliveries durably, and how many deliveries shared one append.
APPEND_SECONDS = Histogram("vaultra_append_seconds", "Seconds of one append", ("stage",), buckets=_SECONDS)
APPEND_DELIVERIES = Histogram(
    "vaultra_append_deliveries",
    "Deliveries committed by one append",
    ("stage",),
    buckets=(1, 2, 5, 10, 25, 50, 100, 500),
)
# Model calls and tokens; `memoized` is yes or no. The models are those configured: a handful.
MODEL_CALLS = Counter("vaultra_model_calls_total", "Calls of models", ("stage", "model", "memoized"))
MODEL_TOKENS = Counter("vaultra_model_tokens_total", "Tokens of models actually called", ("model", "direction"))
