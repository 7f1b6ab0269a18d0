"""The adapter of DVC: the only importer of it, each time inside the function that needs it.

``repo`` opens and makes repositories; ``data`` opens what versions data: ``cache``, ``remote``,
``worktree`` and ``tracking``; ``stages`` runs pipelines by DVC, ``native`` without it.
"""
