"""Creates the first administrator in the Hub's database, before the Hub opens its doors.

    first_admin.py DATABASE_URL NAME < password

Says `created`, or `exists` where the account is there already and is left as it is.
"""

import sys

import bcrypt
from jupyterhub import orm
from nativeauthenticator.orm import UserInfo


def create(database: str, name: str, password: str) -> str:
    session = orm.new_session_factory(url=database)()
    UserInfo.__table__.create(session.get_bind(), checkfirst=True)
    if UserInfo.find(session, name) is not None:
        return "exists"
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt())
    session.add(UserInfo(username=name, password=hashed, is_authorized=True))
    session.commit()
    session.close()
    return "created"


if __name__ == "__main__":
    _, database_url, administrator = sys.argv
    sys.stdout.write(create(database_url, administrator, sys.stdin.readline().rstrip("\n")))
