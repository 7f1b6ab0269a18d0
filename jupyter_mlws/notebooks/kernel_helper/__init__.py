"""Reads the variables of a kernel. The texts of these modules are executed in the kernel.

They import no library, change no variable, and call no method of a class that is not Python's or a
well-known library's: the representation of a user's object may take minutes or print. Imports are
relative, as the modules have another name in the kernel, where this package need not be installed.
"""
