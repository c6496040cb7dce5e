"""A machine on which the real Triton can't run says what it lacks."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path

import pytest

from tests.servers.triton import check_stub
from tests.servers.triton_home import triton_home


def test_a_stub_without_python_s_library_names_the_package(tmp_path: Path) -> None:
    stub = triton_home() / "backends" / "python" / "triton_python_backend_stub"
    variables = {"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": str(sysconfig.get_config_var("LIBDIR"))}
    check_stub(stub, variables)
    other = tmp_path / stub.name
    other.write_bytes(stub.read_bytes().replace(b"libpython3.", b"libpython0."))
    other.chmod(0o755)
    with pytest.raises(FileNotFoundError, match=r"finds no libpython0\.\S+: install Debian's package libpython3\."):
        check_stub(other, variables)
