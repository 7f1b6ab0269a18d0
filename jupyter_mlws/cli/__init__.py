"""Commands of the command line and of ``%mlws``.

The functions of commands declare them with ``declared``, call a client of the project, and render
their results with ``*_views``.
"""
