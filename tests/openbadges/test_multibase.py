import base58
from hypothesis import given
from hypothesis import strategies as st

from testamur.openbadges.multibase import to_multibase


@given(content=st.binary(max_size=100) | st.binary(min_size=64, max_size=64), zeros=st.integers(0, 3))
def test_bytes_are_written_as_base58_has_them(content, zeros):
    content = bytes(zeros) + content
    assert to_multibase(content) == "z" + base58.b58encode(content).decode()
    assert to_multibase(b"\xff" * 64) == "z" + base58.b58encode(b"\xff" * 64).decode()
