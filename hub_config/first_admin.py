"""Create the first administrator in the Hub's database, before the Hub starts.

    DATABASE_URL=… first_admin.py NAME < password

All users of the machine can read a process's arguments, so the password is read from the input.
Prints `created`, or `exists` if the account exists, which stays unchanged.
"""

import os
import sys

import bcrypt
from jupyterhub import orm
from nativeauthenticator.orm import UserInfo


def create(database: str, name: str, password: str) -> str:
    session = orm.new_session_factory(url=database)()
    UserInfo.__table__.create(session.get_bind(), checkfirst=True)
    if UserInfo.find(session, name) is not None:
        return "exists"
    digest = bcrypt.hashpw(password.encode(), bcrypt.gensalt())
    session.add(UserInfo(username=name, password=digest, is_authorized=True))
    session.commit()
    session.close()
    return "created"


if __name__ == "__main__":
    password = sys.stdin.readline().rstrip("\n")
    sys.stdout.write(create(os.environ["DATABASE_URL"], sys.argv[1], password))
