"""Commands of the command line and of ``%mlws``.

``declared`` specifies the parameters of all commands. The other modules implement the commands by
a client of the project, and ``*_views`` render their results.
"""
