"""Create the first administrator in the Hub's database, before the Hub starts.

    DATABASE_URL=… first_admin.py NAME < password

All users of the machine can read a process's arguments, so the password is read from the input.
Prints `created`, or `exists` if the account exists, which stays unchanged.
"""

import os
import sys

from jupyterhub import orm

from jupyter_mlws.hub.accounts.passwords import hash_password
from jupyter_mlws.hub.accounts.store import AccountStore


def create(database: str, name: str, password: str) -> str:
    session = orm.new_session_factory(url=database)()
    accounts = AccountStore(session)
    accounts.prepare()
    if accounts.find(name) is not None:
        return "exists"
    accounts.add(name, hash_password(password), is_approved=True)
    session.commit()
    session.close()
    return "created"


if __name__ == "__main__":
    password = sys.stdin.readline().rstrip("\n")
    sys.stdout.write(create(os.environ["DATABASE_URL"], sys.argv[1], password))
