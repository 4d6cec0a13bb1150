"""What the pages tell people to type."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from arena import make_bundle

from understudy.serving.options import ServerOptions
from understudy.serving.run import serve_in_thread

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ["python.md", "serving.md"]


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_of_a_page_run(page: str, tmp_path: Path) -> None:
    """Each Python block runs as it is, against a server with a bundle named 'rusher' at the address it names."""
    blocks = re.findall(r"^( *)```python\n(.*?)^ *```", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)
    assert blocks
    with serve_in_thread([make_bundle(tmp_path / "rusher")], ServerOptions(port=0)) as address:
        for indent, block in blocks:
            code = re.sub(f"^{indent}", "", block, flags=re.MULTILINE).replace("127.0.0.1:50051", address)
            exec(compile(code, page, "exec"), {})
