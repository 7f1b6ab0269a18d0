"""DVC's effects without DVC's cost, for stages of plain local files.

What is done here is what ``dvc repro`` does: the same `dvc.lock` to the byte, the same cache and
run cache, the same `.gitignore`. Stages for which it raises
:class:`~.unsupported.UnsupportedStageError` are left to DVC itself; differential tests hold the two
to each other.
"""
