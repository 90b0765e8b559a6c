"""The tree of Vaultra's exceptions.

    VaultraError
    ├── SetupError            wrong at start: a declaration, a setting, a missing port. Exit, do not retry.
    │   └── NoStripeKey         no key of Stripe's API is configured. What needs one is parked until there is.
    ├── InvalidEvent          bytes on the log that are no event of ours. Dead-letter with the bytes.
    │   ├── UnknownEventType
    │   ├── UnknownEventVersion
    │   └── UnreadablePayload   what a third party sent cannot be read. Dead-letter; no fault of the stage.
    ├── RetryLater            a dependency is not able now (429, 5xx, time-out, refused connection). Retry topic.
    ├── StageHalted           too many dead letters in a row: the stage stops instead of draining its topic into them.
    ├── Unavailable           the log, the database or the blob store cannot be reached. HTTP 503.
    │   └── SandboxUnavailable  a required control cannot be enforced here. Never weakened.
    ├── PictureRefused        an uploaded picture is not accepted; becomes a `document refused` event.
    ├── WebhookRefused        a webhook is not accepted: signature, age, size, shape. HTTP 400 and a counter; no event.
    ├── ModelFault            a model's answer is unusable (invalid JSON, broken stream, empty). Retry topic too.
    ├── InvalidResult         a program's result.json is not a result; becomes feedback or a failed analysis.
    ├── InvalidCursor         a page was asked for with a cursor that no page gave. HTTP 400. Also a ValueError.
    └── NotFound              the asked-for thing does not exist, or not for this tenant.

Expected failures of untrusted work – a refused picture, rejected code, a time-out in the sandbox – become events.
An exception tells the runner what to do with a delivery; see `streams/runner.py`.
"""

from __future__ import annotations


class VaultraError(Exception):
    """Root of every exception raised on purpose here."""


class SetupError(VaultraError):
    """Something declared or configured is wrong. The message says what to do."""


class NoStripeKey(SetupError):
    """Nothing can be asked of Stripe: neither an account's token nor a key of our own is at hand."""


class InvalidEvent(VaultraError):
    """A record does not parse as an event: missing attributes, broken JSON, data of the wrong shape."""


class UnknownEventType(InvalidEvent):
    """No schema of this type is known."""


class UnknownEventVersion(InvalidEvent):
    """The type is known, this version is not, and no upcaster leads to a known one."""


class UnreadablePayload(InvalidEvent):
    """A payload from outside lacks what makes it a fact, or holds what it cannot. The message is for people.

    It says nothing about the stage that read it: any number of them in a row does not halt the stage.
    """


class RetryLater(VaultraError):
    """The work could not be done now and may succeed later.

    `after` is the least number of seconds to wait (a server's Retry-After), None for the runner's backoff.
    """

    def __init__(self, message: str, *, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class StageHalted(VaultraError):
    """A stage stopped because too many deliveries in a row were dead-lettered."""


class Unavailable(VaultraError):
    """A store that must answer does not. The caller may try again; nothing was acknowledged."""


class SandboxUnavailable(Unavailable):
    """The sandbox cannot enforce a required control on this machine."""


class PictureRefused(VaultraError):
    """A picture is not accepted. `code` is one of `schemas.documents.RefusalCode`, the message is for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class WebhookRefused(VaultraError):
    """A webhook is not accepted. `code` is short and of a closed list, for counters; the message is for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ModelFault(VaultraError):
    """A model answered, but not usably."""


class InvalidResult(VaultraError):
    """What a program wrote as its result cannot be used. The message is for people."""


class InvalidCursor(VaultraError, ValueError):
    """The cursor of a page is not one that was handed out."""


class NotFound(VaultraError):
    """The thing asked for does not exist for this tenant."""
