"""Amounts as people write them, ids, and what a request may say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from jupyter_mlws.containers.models import (
    Amount,
    ContainerCreate,
    Resources,
    container_id,
    mask_credentials,
    split_id,
)
from jupyter_mlws.containers.quantities import (
    parse_cpu,
    parse_gpu,
    parse_memory,
    write_cpu,
    write_memory,
)
from jupyter_mlws.core.validation_messages import faults
from mlws.core.i18n import CHINESE

SPECIFIED = {
    "image": "python:3.8",
    "resources": {"cpu": "2", "memory": "4Gi", "gpu": "1"},
    "environment": {"PYTHON_ENV": "production", "DEBUG": "false"},
}


def refused(body: dict[str, object]) -> dict[str, str]:
    """Each field at fault, with what is said of it in Chinese."""
    with pytest.raises(ValidationError) as error:
        ContainerCreate.model_validate(body)
    return {fault.field: fault.message.in_(CHINESE) for fault in faults(error.value)}


@pytest.mark.parametrize(
    ("text", "cores"), [("2", 2), ("0.5", 0.5), ("500m", 0.5), ("1500m", 1.5), (" 1 ", 1)]
)
def test_cores(text: str, cores: float) -> None:
    assert parse_cpu(text) == cores


@pytest.mark.parametrize(
    ("text", "size"),
    [("4Gi", 4 * 1024**3), ("512M", 512 * 10**6), ("1073741824", 1024**3), ("1.5Ki", 1536)],
)
def test_memory(text: str, size: int) -> None:
    assert parse_memory(text) == size


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "2 cores", "1e3", "0m", "nan", "inf", "２", "9" * 400]
)
def test_what_is_no_number_of_cores(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  it carries the text alone
        parse_cpu(text)


@pytest.mark.parametrize(
    "text", ["", "0", "4 GB", "4gi", "4GB", "-1Gi", "Gi", "0.1", "9" * 400 + "Ti"]
)
def test_what_is_no_memory(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  it carries the text alone
        parse_memory(text)


def test_devices_are_whole() -> None:
    assert [parse_gpu(text) for text in ("0", "1", "16")] == [0, 1, 16]
    for text in ("0.5", "one", "1Gi", "", "9" * 400):
        with pytest.raises(ValueError):  # noqa: PT011  it carries the text alone
            parse_gpu(text)


@given(st.integers(1, 10**6))
def test_cores_are_read_as_they_were_written(thousandths: int) -> None:
    cores = thousandths / 1000
    assert parse_cpu(write_cpu(cores)) == cores


@given(st.integers(1, 2**50))
def test_memory_is_read_as_it_was_written(size: int) -> None:
    assert parse_memory(write_memory(size)) == size


@given(st.text(min_size=1, max_size=30), st.from_regex(r"[a-z0-9]+(-[a-z0-9]+)*", fullmatch=True))
def test_an_id_is_read_as_it_was_made(user: str, server: str) -> None:
    assert split_id(container_id(user, "")) == (user, "")
    if server != "default":
        assert split_id(container_id(user, server)) == (user, server)


@pytest.mark.parametrize("text", ["", "ada", "--", "ada--", "--lab"])
def test_what_is_no_id(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  it carries the text alone
        split_id(text)


def test_the_specifications_request_is_taken_as_it_is_written() -> None:
    request = ContainerCreate.model_validate(SPECIFIED)
    assert request.resources is not None
    assert request.resources.amount == Amount(cpu=2, memory=4 * 1024**3, gpu=1)
    assert request.environment == SPECIFIED["environment"]


def test_plain_numbers_are_taken_as_well() -> None:
    resources = Resources.model_validate({"cpu": 1.5, "memory": 1073741824, "gpu": 1})
    assert resources.amount == Amount(cpu=1.5, memory=1024**3, gpu=1)


def test_an_amount_is_written_as_people_write_it() -> None:
    assert Resources.of(Amount(cpu=0.5, memory=1024**3)).model_dump() == {
        "cpu": "500m",
        "memory": "1Gi",
        "gpu": None,
    }


def test_every_field_at_fault_is_named_in_chinese() -> None:
    said = refused(
        {
            "image": "",
            "resources": {"cpu": "much", "memory": "4 GB", "gpu": "half"},
            "environment": {"A": 1},
            "name": "Default Lab",
            "priority": 101,
            "wait": "perhaps",
            "colour": "red",
        }
    )
    assert set(said) == {
        "image",
        "resources.cpu",
        "resources.memory",
        "resources.gpu",
        "environment.A",
        "name",
        "priority",
        "wait",
        "colour",
    }
    assert not any(sentence.startswith("无效") for sentence in said.values())


@pytest.mark.parametrize(
    "name", ["JUPYTERHUB_API_TOKEN", "jpy_api_token", "MLWS_SERVICE_URL", "LD_PRELOAD", "PATH"]
)
def test_the_hubs_own_variables_are_refused(name: str) -> None:
    assert name in refused({"environment": {name: "x"}})["environment"]


@pytest.mark.parametrize("name", ["1A", "A-B", "A B", "", "A=B", "Ä"])
def test_what_is_no_name_of_a_variable_is_refused(name: str) -> None:
    assert list(refused({"environment": {name: "x"}})) == ["environment"]


@pytest.mark.parametrize("name", ["default", "Lab", "a b", "a--b", "-a", "a-", "a_b", "x" * 31])
def test_what_is_no_name_of_a_server_is_refused(name: str) -> None:
    assert list(refused({"name": name})) == ["name"]


def test_what_looks_like_a_credential_is_masked() -> None:
    given_ = {
        "DEBUG": "1",
        "MY_TOKEN": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "DB_PASSWORD": "c",
        "OPENAI_API_KEY": "d",
        "database_passwd": "e",
    }
    assert mask_credentials(given_) == {"DEBUG": "1", **dict.fromkeys(list(given_)[1:], "***")}
