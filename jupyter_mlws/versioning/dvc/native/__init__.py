"""DVC's effects without DVC's cost, for stages of plain local files.

What is done here is what ``dvc repro`` does: the same `dvc.lock` to the byte, the same cache and
run cache, the same `.gitignore`. Whatever is unusual (:class:`~.unusual.UnusualError`) is left to
DVC itself, stage by stage; differential tests hold the two to each other.
"""
