"""Sessions, one-time links and API tokens."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import update
from sqlmodel import Session, select

from storage.accounts import (
    Person,
    add_user,
    end_session,
    find_person,
    list_tokens,
    make_link,
    make_token,
    revoke_token,
    set_disabled,
    set_password,
    start_session,
    use_link,
)
from storage.db import Database
from storage.errors import Conflict, Forbidden, InvalidRecord, NotFound
from storage.tables import AuditRow, SignInRow, UserRow

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def add_anna(session: Session, name: str = "anna") -> Person:
    return add_user(session=session, name=name, roles=["annotator"], actor="user:root")


@pytest.fixture
def anna(db: Database) -> Person:
    with db.write() as session:
        person = add_anna(session)
        session.commit()
    return person


def list_tags(session: Session) -> list[str]:
    return list(session.exec(select(AuditRow.tag).order_by(AuditRow.seq)))


def test_a_session_lasts_until_it_lapses_or_ends(db: Database, anna: Person) -> None:
    with db.write() as session:
        first = start_session(session=session, user_id=anna.id, ttl=HOUR, now=NOW)
        second = start_session(session=session, user_id=anna.id, ttl=HOUR, now=NOW)
        session.commit()
    assert len(first) == 43
    assert first != second
    with db.read() as session:
        for secret in (first, second):
            almost = NOW + HOUR - timedelta(seconds=1)
            assert find_person(session=session, secret=secret, kind="session", now=almost) == anna
            assert find_person(session=session, secret=secret, kind="session", now=NOW + HOUR) is None
            assert find_person(session=session, secret=secret, kind="token", now=NOW) is None
    with db.write() as session:
        end_session(session=session, secret=first)
        end_session(session=session, secret="no such session")
        session.commit()
    with db.read() as session:
        assert find_person(session=session, secret=first, kind="session", now=NOW) is None
        assert find_person(session=session, secret=second, kind="session", now=NOW) == anna


def test_forged_secrets_find_nobody(db: Database, anna: Person) -> None:
    with db.write() as session:
        secret = start_session(session=session, user_id=anna.id, ttl=HOUR, now=NOW)
        stored = session.exec(select(SignInRow.secret_sha256)).one()
        session.commit()
    forged = [
        "",
        " ",
        secret[:-1],
        secret + "=",
        secret.swapcase(),
        stored,
        "\x00",
        "\ud800",
        "a" * 100_000,
        "' OR 1=1",
    ]
    with db.read() as session:
        for kind in ("session", "token"):
            for attempt in forged:
                assert find_person(session=session, secret=attempt, kind=kind, now=NOW) is None
        with pytest.raises(ValueError, match="link"):
            find_person(session=session, secret=secret, kind="link", now=NOW)  # type: ignore[arg-type]


def test_lapsed_sessions_and_links_are_removed(db: Database, anna: Person) -> None:
    with db.write() as session:
        start_session(session=session, user_id=anna.id, ttl=HOUR, now=NOW)
        make_link(session=session, name="anna", ttl=HOUR, actor="user:root", now=NOW)
        token = make_token(session=session, name="anna", label="script", actor="user:anna", now=NOW)
        latest = start_session(session=session, user_id=anna.id, ttl=HOUR, now=NOW + 2 * HOUR)
        session.commit()
    with db.read() as session:
        assert sorted(session.exec(select(SignInRow.kind))) == ["session", "token"]
        assert find_person(session=session, secret=latest, kind="session", now=NOW + 2 * HOUR) == anna
        assert find_person(session=session, secret=token, kind="token", now=NOW + timedelta(days=900)) == anna


def test_no_session_for_the_disabled_or_unknown(db: Database, anna: Person) -> None:
    with db.write() as session:
        set_disabled(session=session, name="anna", disabled=True, actor="user:root")
        with pytest.raises(Forbidden, match="disabled"):
            start_session(session=session, user_id=anna.id, ttl=HOUR)
        with pytest.raises(Forbidden, match="disabled"):
            make_link(session=session, name="anna", ttl=HOUR, actor="user:root")
        with pytest.raises(Forbidden, match="disabled"):
            make_token(session=session, name="anna", label="script", actor="user:root")
        with pytest.raises(NotFound, match="99"):
            start_session(session=session, user_id=99, ttl=HOUR)


def test_a_new_password_ends_sessions_and_links_but_no_token(db: Database, anna: Person) -> None:
    with db.write() as session:
        other = add_anna(session, name="bert")
        secret = start_session(session=session, user_id=anna.id, ttl=HOUR, now=NOW)
        link = make_link(session=session, name="anna", ttl=HOUR, actor="user:root", now=NOW)
        token = make_token(session=session, name="anna", label="script", actor="user:anna", now=NOW)
        others = start_session(session=session, user_id=other.id, ttl=HOUR, now=NOW)
        set_password(session=session, name="anna", password="another horse", actor="user:anna", now=NOW, hasher=CHEAP)
        session.commit()
    with db.write() as session:
        assert find_person(session=session, secret=secret, kind="session", now=NOW) is None
        assert use_link(session=session, secret=link, now=NOW) is None
        assert find_person(session=session, secret=token, kind="token", now=NOW) == anna
        assert find_person(session=session, secret=others, kind="session", now=NOW) == other


def test_shutting_out_ends_everything_for_good(db: Database, anna: Person) -> None:
    with db.write() as session:
        secret = start_session(session=session, user_id=anna.id, ttl=HOUR, now=NOW)
        link = make_link(session=session, name="anna", ttl=HOUR, actor="user:root", now=NOW)
        token = make_token(session=session, name="anna", label="script", actor="user:anna", now=NOW)
        session.commit()
    for disabled in (True, True, False, False):
        with db.write() as session:
            set_disabled(session=session, name="anna", disabled=disabled, actor="user:root", now=NOW)
            session.commit()
        with db.write() as session:
            assert find_person(session=session, secret=secret, kind="session", now=NOW) is None
            assert find_person(session=session, secret=token, kind="token", now=NOW) is None
            assert use_link(session=session, secret=link, now=NOW) is None
    with db.read() as session:
        assert list_tags(session)[-2:] == ["accounts:user:disable", "accounts:user:enable"], "no event for no change"


def test_a_disabled_row_alone_shuts_out(db: Database, anna: Person) -> None:
    """Whatever disabled the account, an import for instance, no secret works while it is."""
    with db.write() as session:
        secret = start_session(session=session, user_id=anna.id, ttl=HOUR, now=NOW)
        link = make_link(session=session, name="anna", ttl=HOUR, actor="user:root", now=NOW)
        session.execute(update(UserRow).values(disabled=True))
        session.commit()
    with db.write() as session:
        assert find_person(session=session, secret=secret, kind="session", now=NOW) is None
        assert use_link(session=session, secret=link, now=NOW) is None


def test_a_link_works_once_and_not_for_long(db: Database, anna: Person) -> None:
    with db.write() as session:
        link = make_link(session=session, name="anna", ttl=HOUR, actor="user:root", now=NOW)
        late = make_link(session=session, name="anna", ttl=HOUR, actor="user:root", now=NOW)
        session.commit()
    with db.write() as session:
        assert find_person(session=session, secret=link, kind="session", now=NOW) is None
        assert use_link(session=session, secret=late, now=NOW + HOUR) is None
        assert use_link(session=session, secret=link, now=NOW) == anna
        assert use_link(session=session, secret=link, now=NOW) is None
        assert use_link(session=session, secret="forged", now=NOW) is None
        session.commit()
    with db.read() as session:
        assert list_tags(session).count("accounts:link:use") == 1


def test_two_uses_of_a_link_at_once_let_one_in(db: Database, anna: Person) -> None:
    with db.write() as session:
        link = make_link(session=session, name="anna", ttl=HOUR, actor="user:root", now=NOW)
        session.commit()
    start = threading.Barrier(8)
    answers: list[Any] = []

    def use() -> None:
        start.wait()
        try:
            with db.write() as session:
                answers.append(use_link(session=session, secret=link, now=NOW))
                session.commit()
        except Exception as exc:
            answers.append(exc)

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers, key=str) == [None] * 7 + [anna]


def test_tokens_are_made_listed_and_revoked(db: Database, anna: Person) -> None:
    with db.write() as session:
        secret = make_token(session=session, name="anna", label=" night job ", actor="user:anna", now=NOW)
        make_token(session=session, name="anna", label="laptop", actor="user:anna", now=NOW + HOUR)
        with pytest.raises(Conflict, match="night job"):
            make_token(session=session, name="anna", label="night job", actor="user:anna")
        session.commit()
    assert secret.startswith("cur_")
    assert len(secret) == 47
    with db.write() as session:
        assert find_person(session=session, secret=secret, kind="token") == anna
        assert find_person(session=session, secret=secret[4:], kind="token") is None
        assert find_person(session=session, secret=secret, kind="session") is None
        assert [(token.label, token.created_at) for token in list_tokens(session=session, name="anna")] == [
            ("night job", NOW),
            ("laptop", NOW + HOUR),
        ]
        revoke_token(session=session, name="anna", label="night job", actor="user:root")
        assert find_person(session=session, secret=secret, kind="token") is None
        assert [token.label for token in list_tokens(session=session, name="anna")] == ["laptop"]
        with pytest.raises(NotFound, match="night job"):
            revoke_token(session=session, name="anna", label="night job", actor="user:root")
        again = make_token(session=session, name="anna", label="night job", actor="user:anna")
        assert find_person(session=session, secret=again, kind="token") == anna


@pytest.mark.parametrize("label", ["", "  ", "a" * 65, "a\x00", "\ud800"])
def test_bad_labels_are_refused(db: Database, anna: Person, label: str) -> None:
    with db.write() as session, pytest.raises(InvalidRecord, match="label"):
        make_token(session=session, name="anna", label=label, actor="user:anna")
