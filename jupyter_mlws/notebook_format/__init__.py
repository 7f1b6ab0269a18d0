"""Notebooks cell by cell: compared and merged by nbdime, in a process of their own.

``process`` is what others call; ``worker`` is the process; the rest runs in it.
"""
