"""`.env.example` names every setting, with its default, and nothing else."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

from schemas.errors import SetupError
from vaultra.settings import Settings, load

EXAMPLE = Path(__file__).parents[2] / ".env.example"


def declared(model: type[BaseModel], prefix: str = "VAULTRA_") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            found |= declared(annotation, f"{prefix}{name.upper()}__")
        else:
            default = field.default
            found[prefix + name.upper()] = default.get_secret_value() if isinstance(default, SecretStr) else default
    return found


def test_env_example_lists_every_setting_with_its_default() -> None:
    lines = re.findall(r"^#? ?(VAULTRA_[A-Z_]+)=(.*)$", EXAMPLE.read_text(), re.MULTILINE)
    wanted = {
        name: "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in declared(Settings).items()
    }
    assert dict(lines) == wanted
    assert len(lines) == len(wanted)


def test_settings_refuse_when_a_name_is_unknown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("VAULTRA_PROT=1\n")
    with pytest.raises(SetupError, match="VAULTRA_PROT is no setting"):
        load({})
    (tmp_path / ".env").write_text("SOMEBODY_ELSES=1\n")
    monkeypatch.setenv("VAULTRA_SANDBOX__MEMROY", "1")
    with pytest.raises(SetupError, match="VAULTRA_SANDBOX__MEMROY"):
        load({})
    monkeypatch.delenv("VAULTRA_SANDBOX__MEMROY")
    assert load({"port": 0}).port == 0


def test_settings_name_the_variable_when_its_value_does_not_fit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VAULTRA_PORT", "many")
    with pytest.raises(SetupError, match="VAULTRA_PORT"):
        load({})


def test_settings_take_nested_values_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VAULTRA_CODE__BASE_URL", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("VAULTRA_CODE__MODEL", "some-model")
    assert Settings().code.configured
    assert not Settings().planner.configured


def test_settings_never_print_secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VAULTRA_CODE__API_KEY", "sk-very-secret")
    assert "very-secret" not in repr(Settings())
