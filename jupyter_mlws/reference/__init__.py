"""The reference that is written from the code: components, commands and errors as Markdown.

The lab shows a page each (:mod:`~jupyter_mlws.reference.pages`), the documentation all of a kind.
"""
