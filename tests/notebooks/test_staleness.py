"""Outputs that are not of a notebook's code."""

from __future__ import annotations

import json

from tests.notebooks.conftest import of


async def test_edited_and_reordered_cells_are_named(opened, tab, listen, jp_fetch, project) -> None:
    sources = {"one": "x = 1", "two": "print(x)", "three": "x = 2"}
    notebook = await opened("a.ipynb", **sources)
    until = await listen(notebook)
    lab = await tab("a.ipynb")
    counts = {}
    for cell in ("three", "one", "two"):
        counts[cell] = (await lab.run(sources[cell], cell))["execution_count"]
    await until(of("execution", "SUCCESS", cell="two"))
    file = project.root / "a.ipynb"

    def save(**changed: str) -> None:
        content = json.loads(file.read_text())
        for cell in content["cells"]:
            cell["execution_count"] = counts[cell["id"]]
            cell["source"] = changed.get(cell["id"], sources[cell["id"]])
        file.write_text(json.dumps(content))

    async def stale(*paths: str) -> list[dict]:
        query = [("path", path) for path in paths]
        answer = await jp_fetch("mlws/api/v1/stale-notebooks", params=query)
        return json.loads(answer.body)["data"]["items"]

    save()
    assert await stale("a.ipynb") == [{"path": "a.ipynb", "edited": [], "out_of_order": [3]}]
    save(two="print(x + 1)")
    assert await stale("a.ipynb", "none.ipynb", "../out.ipynb") == [
        {"path": "a.ipynb", "edited": [2], "out_of_order": [3]}
    ]
    counts["three"] = (await lab.run(sources["three"], "three"))["execution_count"]
    await until(of("execution", "SUCCESS", cell="three"))
    save()
    assert await stale("a.ipynb") == []
    assert await stale() == []
