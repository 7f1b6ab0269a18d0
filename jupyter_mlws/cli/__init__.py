"""The words of the command line and of ``%mlws``: declared, carried out, shown.

``declared`` says what each takes, ``commands`` what each does, through a ``session`` on a running
server or on the project's files (``local``); ``views`` and ``render`` show the results.
"""
