"""What a message must be to stand on any log: checked alike by every adapter, before anything is written."""

from __future__ import annotations

from collections.abc import Mapping

from schemas.errors import InvalidEvent, SetupError
from schemas.wire import Message

# Larger payloads belong into the blob store.
LARGEST_VALUE = 8 * 1024**2


def check(message: Message) -> None:
    """Raises SetupError for a message without key, id or tenant, InvalidEvent for what a log cannot hold.

    Key, id, tenant and type hold no NUL, no text holds half a surrogate pair, and the value is no larger than
    LARGEST_VALUE. Attributes and extra may hold NUL: a dead letter tells of what hostile input brought about.
    """
    if not message.key or not message.id or not message.tenant:
        raise SetupError(f"a message for {message.topic} needs key, id and tenant")
    named = message.key + message.id + message.tenant + message.attributes.get("type", "")
    if "\0" in named:
        raise InvalidEvent(f"message {message.id!r} holds a NUL character in its key, id, tenant or type")
    if len(message.value) > LARGEST_VALUE:
        raise InvalidEvent(
            f"message {message.id!r} has {len(message.value)} bytes, {LARGEST_VALUE} is the limit: use the blob store"
        )
    if not named.isascii() or not _all_ascii(message.attributes) or (message.extra and not _all_ascii(message.extra)):
        _check_unicode(message)


def _all_ascii(texts: Mapping[str, str]) -> bool:
    return "".join(texts.values()).isascii() and "".join(texts).isascii()


def _check_unicode(message: Message) -> None:
    texts = (message.key, message.id, message.tenant, *message.attributes.values(), *message.extra.values())
    try:
        for text in (*texts, *message.attributes, *message.extra):
            text.encode()
    except UnicodeEncodeError as error:
        raise InvalidEvent(f"message {message.id!r} holds what is no Unicode text: {error.reason}") from error
