"""Secrets: configured ones win, others last, and nobody else may read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.secrets import StoredSecrets
from schemas.errors import SetupError, Unavailable


def test_secret_lasts_until_it_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "secrets"
    secrets = StoredSecrets({"empty": ""}, folder)
    assert secrets.get("stripe/token/acme/acct_1") is None
    for value in ("one", "two ✓"):
        secrets.put("stripe/token/acme/acct_1", value)
    again = StoredSecrets({}, folder)
    assert again.get("stripe/token/acme/acct_1") == "two ✓"
    again.remove("stripe/token/acme/acct_1")
    again.remove("stripe/token/acme/acct_1")
    assert secrets.get("stripe/token/acme/acct_1") is None
    assert secrets.get("empty") is None


def test_secret_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    StoredSecrets({}, folder).put("../a", "one")
    (path,) = folder.iterdir()
    assert (path.stat().st_mode & 0o777, folder.stat().st_mode & 0o777) == (0o600, 0o700)
    assert list(tmp_path.iterdir()) == [folder]


def test_configured_secret_wins_and_stays(tmp_path: Path) -> None:
    secrets = StoredSecrets({"a": "configured"}, tmp_path)
    assert secrets.get("a") == "configured"
    with pytest.raises(SetupError):
        secrets.put("a", "other")


def test_secret_is_unavailable_when_the_folder_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text("a file")
    with pytest.raises(Unavailable):
        StoredSecrets({}, tmp_path / "secrets").put("a", "b")
