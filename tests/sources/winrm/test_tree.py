from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictui.sources.winrm.wsman import InvalidXmlError, find_child, parse_xml

LAUGHS = b'<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><a>&c;</a>'


def test_names_are_local() -> None:
    root = parse_xml(b'<x:a xmlns:x="urn:x" xmlns:y="urn:y"><y:b y:c="1">text</y:b></x:a>')
    below = find_child(root, "b")
    assert root.tag == "a"
    assert below is not None
    assert (below.text, below.get("c")) == ("text", "1")
    assert find_child(root, "b", "missing", "too") is None


@pytest.mark.parametrize(
    "body",
    [
        LAUGHS,
        b"<!DOCTYPE a><a/>",
        b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
        b"<a>" * 60 + b"</a>" * 60,
        b"<a>" + b"<b/>" * 200_001 + b"</a>",
        b"<a>&unknown;</a>",
        b'<?xml version="1.0" encoding="utf-7"?><a/>',
        b'<?xml version="1.0" encoding="none-such"?><a/>',
        b"<a>",
        b"",
        b"\x00\xff",
    ],
    ids=range(11),
)
def test_what_no_honest_server_sends_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidXmlError, match=r"."):
        parse_xml(body)


@given(st.binary(max_size=300) | st.text("<>/&;!?[]='\"ab \x00é", max_size=80).map(str.encode))
def test_any_bytes_are_a_tree_or_refused(body: bytes) -> None:
    with contextlib.suppress(InvalidXmlError):
        parse_xml(body)
