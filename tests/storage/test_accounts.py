"""People, roles, passwords, lock-out, sessions, links, tokens, preferences."""

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session, select

from storage import passwords
from storage.accounts import (
    ROLES,
    Locked,
    Person,
    Role,
    add_user,
    check_password,
    find_person,
    get_preferences,
    list_accounts,
    list_tokens,
    make_link,
    make_token,
    revoke_token,
    set_disabled,
    set_password,
    set_preferences,
    set_roles,
    start_session,
    use_link,
)
from storage.audit import verify_chain
from storage.db import Database
from storage.errors import Conflict, InvalidRecord, NotFound
from storage.passwords import lock_duration
from storage.tables import AuditRow, SignInRow, UserRow

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
GOOD, WRONG = "correct horse battery", "wrong horse battery"


def add_anna(session: Session, **changes: Any) -> Person:
    values = {"name": "anna", "roles": ["annotator"], "password": GOOD, "actor": "user:root", "hasher": CHEAP}
    return add_user(session=session, **(values | changes))


def guess(db: Database, password: str, *, name: str = "anna", now: datetime = NOW) -> Person | None:
    """Check a password as the server does: in a transaction of its own, committed whatever the answer."""
    with db.write() as session:
        person = check_password(session=session, name=name, password=password, now=now, hasher=CHEAP)
        session.commit()
    return person


@pytest.fixture
def anna(db: Database) -> Person:
    with db.write() as session:
        person = add_anna(session)
        session.commit()
    return person


def list_tags(session: Session) -> list[str]:
    return list(session.exec(select(AuditRow.tag).order_by(AuditRow.seq)))


@pytest.mark.parametrize("role", ROLES)
def test_admin_implies_all_and_no_other_role_implies_any(role: str) -> None:
    person = Person(1, "anna", frozenset({Role(role)}))
    assert {other for other in ROLES if person.has(other)} == (set(ROLES) if role == "admin" else {role})
    with pytest.raises(ValueError, match="root"):
        person.has("root")


def test_a_person_is_added_and_listed(db: Database, anna: Person) -> None:
    with db.write() as session:
        add_user(session=session, name="bert.b@example.org", roles=["admin", "annotator"], actor="user:root", now=NOW)
        session.commit()
    with db.read() as session:
        first, second = list_accounts(session=session)
    assert first.person == anna == Person(anna.id, "anna", frozenset({Role.ANNOTATOR}))
    assert (first.has_password, first.disabled, first.locked_until) == (True, False, None)
    assert second.person.roles == {Role.ADMIN, Role.ANNOTATOR}
    assert (second.has_password, second.created_at) == (False, NOW)


@pytest.mark.parametrize(
    "name", ["", " ", "Anna", "a b", "a\n", "-a", "../a", "a/b", "ä", "a" * 65, "а", "a\x00", "\ud800", "<b>", "a:b"]
)
def test_bad_names_are_refused(db: Database, name: str) -> None:
    with db.write() as session, pytest.raises(InvalidRecord, match="user name"):
        add_anna(session, name=name)


def test_a_name_is_given_once(db: Database, anna: Person) -> None:
    with db.write() as session, pytest.raises(Conflict, match="anna"):
        add_anna(session)


def test_unknown_roles_are_refused(db: Database, anna: Person) -> None:
    with db.write() as session:
        for roles in (["root"], ["annotator admin"], [""], "admin"):
            with pytest.raises(InvalidRecord, match="the roles are annotator"):
                add_anna(session, name="bert", roles=roles)
            with pytest.raises(InvalidRecord, match="the roles are annotator"):
                set_roles(session=session, name="anna", roles=roles, actor="user:root")


@pytest.mark.parametrize("password", ["", "1234567", "a" * 1025, "sur\ud800rogate", "a\x00bcdefgh"])
def test_bad_passwords_are_refused_without_being_repeated(db: Database, password: str) -> None:
    with db.write() as session, pytest.raises(InvalidRecord) as caught:
        add_anna(session, password=password)
    assert not password or password not in str(caught.value)


def test_the_product_hashes_with_argon2id(db: Database) -> None:
    with db.write() as session:
        add_user(session=session, name="anna", roles=[], password=GOOD, actor="user:root")
        stored = session.exec(select(UserRow.password_hash)).one()
        assert stored is not None
        assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
        assert GOOD not in stored
        assert check_password(session=session, name="anna", password=GOOD) is not None


def test_only_the_right_password_lets_in(db: Database, anna: Person) -> None:
    assert guess(db, GOOD) == anna
    assert guess(db, GOOD, name=" Anna ") == anna, "what people type on a phone"
    for wrong in (WRONG, "", GOOD + " ", GOOD.upper(), "a" * 100_000, "\ud800", "\x00"):
        assert guess(db, wrong) is None
    for name in ("nobody", "", "anna'--", "\x00", "\ud800", "a" * 10_000):
        assert guess(db, GOOD, name=name) is None


def test_forms_of_one_letter_are_one_password(db: Database) -> None:
    with db.write() as session:
        add_anna(session, password="cafe\u0301 au lait")
        session.commit()
    assert guess(db, "caf\u00e9 au lait") is not None


def test_no_password_or_disabled_lets_nobody_in(db: Database, anna: Person) -> None:
    with db.write() as session:
        add_anna(session, name="linked", password=None)
        set_disabled(session=session, name="anna", disabled=True, actor="user:root")
        session.commit()
    for password in (GOOD, "", "nobody has this password"):
        assert guess(db, password) is None
        assert guess(db, password, name="linked") is None


def test_ten_failures_lock_for_fifteen_minutes(db: Database, anna: Person) -> None:
    for _ in range(9):
        assert guess(db, WRONG) is None
    assert guess(db, GOOD) == anna, "nine failures do not lock, and a success forgets them"
    for _ in range(10):
        assert guess(db, WRONG) is None
    with pytest.raises(Locked, match="15 minutes") as caught:
        guess(db, GOOD)
    assert caught.value.seconds == 900
    with pytest.raises(Locked) as caught:
        guess(db, GOOD, now=NOW + timedelta(seconds=899.5))
    assert caught.value.seconds == 1
    assert guess(db, GOOD, now=NOW + timedelta(minutes=15)) == anna
    with db.read() as session:
        assert list_tags(session).count("accounts:sign_in:lock") == 1
        verify_chain(session=session)


def test_a_locked_account_costs_no_hashing(db: Database, anna: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(10):
        guess(db, WRONG)
    monkeypatch.setattr("storage.accounts.verify_password", lambda *_: pytest.fail("the password was hashed"))
    with pytest.raises(Locked):
        guess(db, GOOD)


def test_nobody_has_the_decoys_password() -> None:
    assert not passwords.verify_password("nobody has this password", None, CHEAP)
    assert not passwords.verify_password(GOOD, "no hash at all", CHEAP)


def test_locks_double_up_to_a_day(db: Database, anna: Person) -> None:
    now, seen = NOW, []
    for _ in range(9):
        for _ in range(10):
            assert guess(db, WRONG, now=now) is None
        with pytest.raises(Locked) as caught:
            guess(db, GOOD, now=now)
        seen.append(caught.value.seconds // 60)
        now += timedelta(seconds=caught.value.seconds)
    assert seen == [15, 30, 60, 120, 240, 480, 960, 1440, 1440]
    assert guess(db, GOOD, now=now) == anna


@given(st.integers(0, 10**9))
def test_lock_duration_is_bounded(failures: int) -> None:
    duration = lock_duration(failures)
    assert (duration is None) == (failures < 10 or failures % 10 != 0)
    assert duration is None or timedelta(minutes=15) <= duration <= timedelta(hours=24)


def test_a_new_password_lifts_the_lock(db: Database, anna: Person) -> None:
    for _ in range(10):
        guess(db, WRONG)
    with db.write() as session:
        set_password(session=session, name="anna", password="another horse", actor="user:root", hasher=CHEAP)
        session.commit()
    assert guess(db, "another horse") == anna
    assert guess(db, GOOD) is None


def test_guesses_sent_at_once_are_all_counted(db: Database, anna: Person) -> None:
    """Thirty at a time must not get past a lock that comes after ten."""
    start = threading.Barrier(30)
    answers: list[str] = []

    def try_one() -> None:
        start.wait()
        try:
            answers.append("in" if guess(db, WRONG) else "wrong")
        except Exception as exc:
            answers.append(type(exc).__name__)

    threads = [threading.Thread(target=try_one) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["Locked"] * 20 + ["wrong"] * 10
    with db.read() as session:
        assert session.exec(select(UserRow.failed_sign_ins)).one() == 10
        verify_chain(session=session)


def test_a_right_guess_behind_the_lock_is_refused(db: Database, anna: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """The password is compared before the count is locked; a lock that falls in between still holds."""
    if db.is_sqlite:
        pytest.skip("SQLite has one writer: nothing can fall in between")
    verify = passwords.verify_password

    def verify_slowly(password: str, password_hash: str | None, hasher: PasswordHasher) -> bool:
        fits = verify(password, password_hash, hasher)
        monkeypatch.setattr("storage.accounts.verify_password", verify)
        for _ in range(10):
            assert guess(db, WRONG) is None
        return fits

    monkeypatch.setattr("storage.accounts.verify_password", verify_slowly)
    with pytest.raises(Locked):
        guess(db, GOOD)


def test_an_unknown_name_costs_the_work_of_a_known_one(db: Database) -> None:
    costly = PasswordHasher(time_cost=2, memory_cost=16_384, parallelism=1)
    with db.write() as session:
        add_anna(session, hasher=costly)
        add_anna(session, name="linked", password=None)
        session.commit()

    def measure(name: str) -> float:
        with db.write() as session:
            start = time.thread_time()
            assert check_password(session=session, name=name, password=WRONG, hasher=costly) is None
            return time.thread_time() - start

    measure("nobody")
    known, unknown, linked = (median(measure(name) for _ in range(7)) for name in ("anna", "nobody", "linked"))
    assert 0.5 * known < unknown < 2 * known
    assert 0.5 * known < linked < 2 * known


def test_roles_change_under_a_running_session(db: Database, anna: Person) -> None:
    with db.write() as session:
        secret = start_session(session=session, user_id=anna.id, ttl=HOUR, now=NOW)
        changed = set_roles(session=session, name="anna", roles=["maintainer", "adjudicator"], actor="user:root")
        session.commit()
    assert changed.roles == {Role.MAINTAINER, Role.ADJUDICATOR}
    with db.read() as session:
        assert find_person(session=session, secret=secret, kind="session", now=NOW) == changed
        event = session.exec(select(AuditRow).where(AuditRow.tag == "accounts:user:roles")).one()
    assert json.loads(event.payload) == {"before": ["annotator"], "after": ["adjudicator", "maintainer"]}
    assert (event.actor, event.subject) == ("user:root", "user:anna")


def test_an_unknown_name_is_not_found(db: Database) -> None:
    with db.write() as session:
        for name in ("nobody", "", "\x00", "\ud800"):
            for change in (
                lambda name: set_password(session=session, name=name, password=GOOD, actor="user:a", hasher=CHEAP),
                lambda name: set_roles(session=session, name=name, roles=[], actor="user:a"),
                lambda name: set_disabled(session=session, name=name, disabled=True, actor="user:a"),
                lambda name: make_link(session=session, name=name, ttl=HOUR, actor="user:a"),
                lambda name: make_token(session=session, name=name, label="x", actor="user:a"),
                lambda name: revoke_token(session=session, name=name, label="x", actor="user:a"),
                lambda name: list_tokens(session=session, name=name),
            ):
                with pytest.raises(NotFound, match="there is no user"):
                    change(name)


def test_preferences_are_kept(db: Database, anna: Person) -> None:
    wanted = {"keys": {"approve": "a"}, "blur": ["violent_content"], "note": "Grüße \u0000 👋"}
    with db.write() as session:
        assert get_preferences(session=session, user_id=anna.id) == {}
        set_preferences(session=session, user_id=anna.id, preferences=wanted)
        session.commit()
    with db.read() as session:
        assert get_preferences(session=session, user_id=anna.id) == wanted


def test_bad_preferences_are_refused(db: Database, anna: Person) -> None:
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"a": deep}
    with db.write() as session:
        set_preferences(session=session, user_id=anna.id, preferences={"a": "x" * (10_000 - 8)})
        for bad in ({"a": "x" * (10_000 - 7)}, {"a": "ä" * 5_000}, [], "text", None, {"a": float("nan")},
                    {"a": "\ud800"}, {"a": object()}, {1: 1, "a": 2}, deep):  # fmt: skip
            with pytest.raises(InvalidRecord, match="preferences"):
                set_preferences(session=session, user_id=anna.id, preferences=bad)  # type: ignore[arg-type]
        with pytest.raises(NotFound):
            set_preferences(session=session, user_id=99, preferences={})
        with pytest.raises(NotFound):
            get_preferences(session=session, user_id=99)
        while deep:  # taken apart by hand: freeing it at once overflows the stack of some versions
            deep = deep["a"]


def test_every_change_is_an_event_and_no_secret_is_written_down(db: Database) -> None:
    with db.write() as session:
        anna = add_anna(session)
        set_roles(session=session, name="anna", roles=["admin"], actor="user:root")
        link = make_link(session=session, name="anna", ttl=HOUR, actor="user:root")
        use_link(session=session, secret=link)
        token = make_token(session=session, name="anna", label="script", actor="user:anna")
        browser = start_session(session=session, user_id=anna.id, ttl=HOUR)
        revoke_token(session=session, name="anna", label="script", actor="user:anna")
        set_password(session=session, name="anna", password="another horse", actor="user:anna", hasher=CHEAP)
        set_disabled(session=session, name="anna", disabled=True, actor="user:root")
        set_disabled(session=session, name="anna", disabled=False, actor="user:root")
        session.commit()
    with db.read() as session:
        assert list_tags(session) == [
            "accounts:user:add", "accounts:user:roles", "accounts:link:make", "accounts:link:use",
            "accounts:token:make", "accounts:token:revoke", "accounts:password:set", "accounts:user:disable",
            "accounts:user:enable",
        ]  # fmt: skip
        assert verify_chain(session=session).events == 9
        written = [row.model_dump_json() for row in session.exec(select(AuditRow))]
        written += [row.model_dump_json() for row in session.exec(select(SignInRow))]
        written += [row.model_dump_json() for row in session.exec(select(UserRow))]
        hashes = list(session.exec(select(SignInRow.secret_sha256)))
    for secret in (GOOD, "another horse", link, token, token[4:], browser):
        assert not any(secret in text for text in written)
    assert not any(stored in text for stored in hashes for text in written if '"secret_sha256"' not in text)
