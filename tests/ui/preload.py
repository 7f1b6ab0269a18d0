"""Imports what the processes of labs need, once for all of them."""

from importlib import import_module

from jupyter_mlws.forkserver import preload

preload.load()
for name in (
    "jupyter_lsp.serverextension",
    "jupyter_mlws.extension",
    "jupyter_mlws.routes",
    "jupyter_server_fileid.extension",
    "jupyter_server_terminals",
    "jupyter_server_ydoc.app",
    "jupyterlab.extensions.pypi",
    "jupyterlab.labapp",
    "nbdime.webapp.nb_server_extension",
    "notebook_shim",
):
    import_module(name)
