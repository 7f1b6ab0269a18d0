"""Wrong passwords: ``python -m benchmarks.signin [TRIES]``, 400 unless said otherwise.

Starts a Hub with real argon2id hashes and measures how long it takes to refuse names that exist and
names that do not, in a random order. Prints the medians and the p-value of Mann and Whitney's test
that the times do not differ: a value below 0.01 would reveal which names exist. Then the same while
an account still has a bcrypt hash of NativeAuthenticator.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

import bcrypt
from jupyterhub import orm
from scipy.stats import mannwhitneyu

from jupyter_mlws.hub.accounts.passwords import hash_password
from jupyter_mlws.hub.accounts.store import AccountStore
from tests.accounts.plain_hub import PlainHub, plain_hub

TRIES = 400
TRIES_PER_NAME = 4
"""The fifth locks the name."""
CONFIG = "c.SignIn.max_address_failures = 10**6\n"


def create(database: str, names: list[str], migrated: str = "") -> None:
    """Create accounts in the Hub's database."""
    session = orm.new_session_factory(url=database)()
    store = AccountStore(session)
    store.prepare()
    password_hash = hash_password("a-long-password")
    for name in names:
        store.add(name, password_hash, is_approved=True)
    if migrated:
        store.add(migrated, bcrypt.hashpw(b"x", bcrypt.gensalt()).decode(), is_approved=True)
    session.commit()
    session.close()


def seconds(hub: PlainHub, name: str) -> float:
    """Return how long it takes to refuse a wrong password."""
    browser = hub.browser()
    browser.get("login")
    form = {
        "username": name,
        "password": "not-the-password",
        "_xsrf": browser.session.cookies.get("_xsrf", path="/hub/") or "",
    }
    start = time.perf_counter()
    answer = browser.session.post(f"{hub.url}/hub/login", data=form, timeout=60)
    duration = time.perf_counter() - start
    assert answer.status_code == 403, answer.status_code
    return duration


def measure(title: str, tries: int, migrated: str = "") -> None:
    count = tries // 2 // TRIES_PER_NAME
    names = [f"known-{number:04}" for number in range(count)]
    unknown = [f"other-{number:04}" for number in range(count)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = folder / "extra.py"
        config.write_text(CONFIG)
        database = f"sqlite:///{folder}/hub.sqlite"
        create(database, names, migrated)
        variables = {"PLAIN_HUB_CONFIG": str(config), "PLAIN_HUB_REAL_HASHES": "1"}
        with plain_hub(folder, database, **variables) as hub:
            order = (names + unknown) * TRIES_PER_NAME
            random.Random(0).shuffle(order)
            times: dict[bool, list[float]] = {True: [], False: []}
            for user in order:
                times[user in names].append(seconds(hub, user))
    print(title)
    for is_known, label in ((True, "known"), (False, "unknown")):
        median, deviation = statistics.median(times[is_known]), statistics.stdev(times[is_known])
        print(f"  {label:8} {1000 * median:6.1f} ms, standard deviation {1000 * deviation:.1f} ms")
    print(f"  p = {mannwhitneyu(times[True], times[False]).pvalue:.2f}")


def main() -> None:
    tries = int(sys.argv[1]) if len(sys.argv) > 1 else TRIES
    print(f"{datetime.now():%Y-%m-%d %H:%M}, load {os.getloadavg()[0]:.1f}, {tries} tries each")
    measure("all hashes argon2id", tries)
    measure("one hash still bcrypt", tries, migrated="moved")


if __name__ == "__main__":
    main()
