"""Warm workers: nodes that start from a process which has already imported the heavy libraries.

The owner (:mod:`.pool`) keeps a *zygote* (:mod:`.zygote`): a Python that imports and never
computes. For a command line that :mod:`.eligible` accepts, the zygote forks a child, and the child
(:mod:`.child_init`, :mod:`.child_main`) becomes what a fresh ``python …`` would have been. Command
lines for which that is not possible are refused, and the owner starts a fresh process instead: a
node must not depend on how it was started.

Remaining differences: the preloaded libraries are in ``sys.modules`` with the warning filters
that they set, warnings of their import went to the zygote's stderr, all children of a zygote share
its random hash seed, ``os.getppid()`` is the zygote, one frame of ours lies below ``<module>``,
and memory that is shared with the zygote counts in its resident size.
"""
