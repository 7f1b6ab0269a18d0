"""The reference: components, commands and errors, written from the code as Markdown.

The lab shows a page each (:mod:`~jupyter_mlws.reference.pages`), the documentation all of a kind.
The lab also shows the pages of the documentation that people write.
"""
