"""Layers depend on a file's path and bytes alone, and any tar program reads them."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelyard.oci.artifact import MODEL_TYPE, image_of
from modelyard.oci.errors import UnexpectedAnswer
from modelyard.oci.layers import Descriptor, FileLayer, layers_of, unpack


def test_equal_files_give_equal_layers_whatever_their_age_and_mode(tmp_path: Path) -> None:
    for name, age, mode in (("one", 1, 0o600), ("two", 2_000_000_000, 0o755)):
        path = tmp_path / name / "1" / "model.onnx"
        path.parent.mkdir(parents=True)
        path.write_bytes(b"graph" * 1000)
        path.chmod(mode)
        os.utime(path, (age, age))
    one, two = (image_of(layers_of(tmp_path / name), MODEL_TYPE) for name in ("one", "two"))
    assert one.digest == two.digest
    (tmp_path / "two" / "1" / "model.onnx").write_bytes(b"graph" * 999 + b"Graph")
    assert image_of(layers_of(tmp_path / "two"), MODEL_TYPE).digest != one.digest


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=2000), name=st.sampled_from(["a", "1/b.json", "long/" * 40 + "name"]))
def test_a_layer_unpacks_to_the_file_it_was_made_from(tmp_path: Path, content: bytes, name: str) -> None:
    source = tmp_path / "source"
    source.write_bytes(content)
    layer = FileLayer(path=name, source=source)
    packed = b"".join(layer.chunks())
    assert layer.descriptor().size == len(packed)
    blob = tmp_path / "blob"
    blob.write_bytes(packed)
    assert [path.read_bytes() for path in unpack(blob, tmp_path / "out")] == [content]
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        assert archive.getnames() == [name]


@pytest.mark.parametrize("name", ["../outside", "/etc/outside", "a/../../outside"])
def test_a_layer_never_writes_outside_of_its_folder(tmp_path: Path, name: str) -> None:
    blob = tmp_path / "blob"
    with tarfile.open(blob, "w") as archive:
        member = tarfile.TarInfo(name)
        member.size = 1
        archive.addfile(member, io.BytesIO(b"x"))
    with pytest.raises(UnexpectedAnswer, match="outside of the folder"):
        unpack(blob, tmp_path / "folder")
    assert not (tmp_path / "outside").exists()


def test_links_and_devices_in_a_layer_are_passed_over(tmp_path: Path) -> None:
    blob = tmp_path / "blob"
    with tarfile.open(blob, "w") as archive:
        for name, kind in (("link", tarfile.SYMTYPE), ("device", tarfile.CHRTYPE), ("folder", tarfile.DIRTYPE)):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
    assert unpack(blob, tmp_path / "out") == []


def test_a_descriptor_survives_the_registry_s_json() -> None:
    described = Descriptor(media_type="m", digest="sha256:0", size=3, artifact_type="a", annotations=(("k", "v"),))
    assert Descriptor.from_json(described.to_json()) == described
    with pytest.raises(UnexpectedAnswer):
        Descriptor.from_json({"mediaType": "m", "digest": "d", "size": 1, "annotations": ["no object"]})
