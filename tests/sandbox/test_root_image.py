"""The root tree as a file: the same bytes from the same inputs."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from sandbox.root_image import differences, main, manifest_hash, write_tar
from sandbox.root_tree import RootTree


def _small_tree(place: Path, order: list[str]) -> RootTree:
    root = RootTree(home=place, boxes=place)
    for name in order:
        path = root.tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (root.tree / "link").symlink_to("a/file")
    return root


def test_tar_has_the_same_bytes_when_times_and_order_of_making_differ(tmp_path: Path) -> None:
    first = _small_tree(tmp_path / "1", ["a/file", "b"])
    second = _small_tree(tmp_path / "2", ["b", "a/file"])
    os.utime(second.tree / "b", (1, 1))
    assert write_tar(first, tmp_path / "1.tar") == write_tar(second, tmp_path / "2.tar")
    with tarfile.open(tmp_path / "1.tar") as tar:
        assert tar.getnames() == ["a", "a/file", "b", "link"]
        assert {(entry.mtime, entry.uid, entry.uname) for entry in tar} == {(0, 0, "")}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_second_build_is_the_same_when_inputs_are(
    root_tree: RootTree, sandbox_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--data-dir", str(sandbox_data), "--check"]) == 0
    assert "a second build is the same" in capsys.readouterr().out


def test_difference_is_told_when_a_file_is_another(tmp_path: Path) -> None:
    trees = []
    for name in ("1", "2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.txt").write_text(f"same\n{name} of a file\n")
        trees.append(RootTree(home=tmp_path / name, boxes=tmp_path))
    assert differences(*trees) == ["1 of a file", "2 of a file"]


def test_target_says_where_the_tree_is_when_it_is_built_already(
    root_tree: RootTree, sandbox_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--data-dir", str(sandbox_data)]) == 0
    assert manifest_hash(root_tree) in capsys.readouterr().out


def test_target_fails_with_the_reason_when_no_tree_can_be_built(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data-dir", "/proc/vaultra"]) == 1
    assert "cannot be built" in capsys.readouterr().err
