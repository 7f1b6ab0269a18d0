"""A test of a browser, a kernel or a container that fails is tried once more, with new fixtures."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

TESTS = """
import itertools
import pytest

labs = itertools.count(1)

@pytest.fixture(scope="session")
def lab():
    number = next(labs)
    yield number
    print(f"lab {number} ended")

@pytest.mark.browser
def test_chance(lab):
    assert lab > 1

@pytest.mark.browser
def test_after_it(lab):
    assert lab == 2

@pytest.mark.kernel
def test_fault(lab):
    assert False

def test_logic(lab):
    assert lab == 4
    assert False, "tried once"
"""


def test_chance_gets_a_second_try_and_a_fault_stays_one(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nmarkers =\n    browser\n    kernel\n")
    pytester.makepyfile(TESTS)
    result = pytester.runpytest_subprocess("-p", "tests.second_try", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(
        [
            "*tests that needed a second try*",
            "*::test_chance passed; the first try: *.log",
            "*::test_fault failed again; the first try: *.log",
        ]
    )


UNFINISHED = """
import itertools
import pytest

labs = itertools.count(1)

@pytest.fixture(scope="session")
def lab():
    yield next(labs)

@pytest.fixture
def emptied(lab):
    yield
    assert lab > 1, "it is not empty"

@pytest.mark.docker
def test_work(lab, emptied):
    pass

def test_after_it(lab):
    assert lab == 2
"""


def test_what_a_test_leaves_behind_is_no_part_of_its_second_try(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nmarkers =\n    docker\n")
    pytester.makepyfile(UNFINISHED)
    result = pytester.runpytest_subprocess("-p", "tests.second_try", "-p", "no:cacheprovider")
    # The first try itself had passed until its fixtures ended.
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["*::test_work passed; the first try: *.log"])
