"""The adapter of DVC: the only importer of it, each time inside the function that needs it.

``repo`` opens and makes repositories, ``stages`` runs pipelines, ``data`` versions data.
"""
