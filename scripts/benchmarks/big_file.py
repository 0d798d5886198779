"""Fills a database with a history: two million ended messages and a queue nobody works off.

Written by SQL into a seeded file that is not in use, with the indexes made afterwards. What is
queued waits for phones that never come, or in the open lanes of other accounts than the one that is
measured. Refuses to know what is measured on it.
"""

import sqlite3
import time

from benchmarks.seeding import Seeds

# The measured account and four others; it divides NUMBERS_COUNT, so a number has one account.
ACCOUNTS_COUNT = 5
NUMBERS_COUNT = 100_000
DEVICES_PER_ACCOUNT_COUNT = 10
_DAY_MS = 86_400_000

_USERS = """
INSERT INTO users (id, email, name, password_hash, role, created_at, updated_at)
SELECT :first_user + value, 'account' || value || '@example.org', '', '', 'REGULAR', :now, :now
FROM json_each(:others)
"""
_DEVICES = """
INSERT INTO devices (user_id, name, model, app_name, app_version, created_at, updated_at)
SELECT users.id, 'Absent', '', '', '', :now, :now FROM users, json_each(:devices)
WHERE users.id > :first_user
"""
_SIMS = "INSERT INTO sims (device_id, slot) SELECT id, 1 FROM devices WHERE id > :absent_device"
_SERIES = "WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < :n)"
_MESSAGES = f"""
INSERT INTO messages (id, user_id, dialect, text, encoding, segments, recipient_count, state,
    priority, expires_at, created_at, updated_at)
{_SERIES}
SELECT i, :first_user + i % :accounts, 'textko',
    'Your parcel ' || i || ' is on its way and will be with you before noon.', 'GSM-7', 1, 1,
    iif(i % 20 = 0, 'failed', 'delivered'), 5, :start + i * 1000 + 259200000, :start + i * 1000,
    :start + i * 1000 + 9000
FROM series
"""  # noqa: S608 - our own text
_RECIPIENTS = f"""
INSERT INTO recipients (id, message_id, user_id, phone_number, state, home_lane, priority,
    device_id, sim_id, offer_number, lease_count, expires_at, error_code, error, segments,
    event_count, created_at, claimed_at, sent_at, delivered_at, ended_at)
{_SERIES}
SELECT i, i, :first_user + i % :accounts, printf('+2518%08d', i % :numbers),
    iif(i % 20 = 0, 'failed', 'delivered'), 'a' || (:first_user + i % :accounts), 5,
    :device + i % :devices, :sim + i % :devices, 1, 1, :start + i * 1000 + 259200000,
    iif(i % 20 = 0, 'network_rejected', NULL), iif(i % 20 = 0, 'network rejected', NULL), 1, 4,
    :start + i * 1000, :start + i * 1000 + 2000, :start + i * 1000 + 5000,
    iif(i % 20 = 0, NULL, :start + i * 1000 + 9000), :start + i * 1000 + 9000
FROM series
"""  # noqa: S608 - our own text
_EVENTS = f"""
INSERT INTO recipient_events (recipient_id, number, state, at, device_id, offer_number, actor)
{_SERIES}
SELECT i, steps.number, iif(steps.number = 4 AND i % 20 = 0, 'failed', steps.state),
    :start + i * 1000 + steps.number * 2000, :device + i % :devices, 1, 'device'
FROM series, (SELECT 1 AS number, 'offered' AS state UNION ALL SELECT 2, 'claimed'
    UNION ALL SELECT 3, 'sent' UNION ALL SELECT 4, 'delivered') AS steps
"""  # noqa: S608 - our own text
_CONTACTS = f"""
INSERT INTO contacts (user_id, phone_number, last_sim_id, last_sim_at, created_at, updated_at)
{_SERIES}
SELECT :first_user + i % :accounts, printf('+2518%08d', i % :numbers), :sim + i % :devices, :now,
    :now, :now
FROM series
"""  # noqa: S608 - our own text
_DELIVERIES = f"""
INSERT INTO webhook_deliveries (webhook_id, user_id, event, body, state, attempt_count, created_at,
    ended_at)
{_SERIES}
SELECT webhooks.id, webhooks.user_id, 'MESSAGE_DELIVERED', zeroblob(400), 'delivered', 1,
    :start + i * 1000, :start + i * 1000 + 50
FROM series, webhooks
"""  # noqa: S608 - our own text
_ATTEMPTS = """
INSERT INTO webhook_attempts (delivery_id, number, at, duration_ms, status)
SELECT id, 1, created_at, 20, 200 FROM webhook_deliveries
"""
_INCOMING = f"""
INSERT INTO incoming_messages (user_id, device_id, phone_reference, sim_slot, sender, text,
    received_at, created_at)
{_SERIES}
SELECT :first_user, :device + i % :devices, i, 1, printf('+2518%08d', i % :numbers),
    'Thank you for number ' || i, :start + i * 1000, :start + i * 1000
FROM series
"""  # noqa: S608 - our own text
_QUEUED_MESSAGES = f"""
INSERT INTO messages (id, user_id, dialect, text, encoding, segments, recipient_count, state,
    priority, expires_at, created_at, updated_at)
{_SERIES}
SELECT :ended + i, :first_user + i % :accounts, 'textko', 'This one waits for its phone.', 'GSM-7',
    1, 1, 'queued', 5, :now + 259200000 + i, :now, :now
FROM series
"""  # noqa: S608 - our own text
# One in five of the other accounts' waits for any phone of theirs.
_QUEUED_RECIPIENTS = f"""
INSERT INTO recipients (id, message_id, user_id, phone_number, state, lane, home_lane, priority,
    device_id, due_at, expires_at, segments, created_at)
{_SERIES}, places AS (
    SELECT i, :first_user + i % :accounts AS user_id,
        CASE WHEN i % :accounts = 0 THEN :absent_device
             WHEN i % 4 = 0 THEN NULL
             ELSE (SELECT min(id) FROM devices WHERE user_id = :first_user + i % :accounts)
                 + i / :accounts % :per_account
        END AS device_id
    FROM series)
SELECT :ended + i, :ended + i, user_id, printf('+2517%08d', i), 'queued',
    coalesce('d' || device_id, 'a' || user_id), coalesce('d' || device_id, 'a' || user_id), 5,
    device_id, :now + 259200000 + i, :now + 259200000 + i, 1, :now
FROM places
"""  # noqa: S608 - our own text


def fill(seeds: Seeds, *, ended_count: int, queued_count: int) -> None:
    """`seeds` with a webhook, of a server that is not running."""
    connection = sqlite3.connect(seeds.database_path, isolation_level=None)
    try:
        # If the machine fails now, the file is of no use to anybody anyway.
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -400000")
        indexes = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        ).fetchall()
        for name, _ in indexes:
            connection.execute(f'DROP INDEX "{name}"')
        connection.execute("BEGIN")
        _insert(connection, seeds, ended_count, queued_count)
        connection.execute("COMMIT")
        for _, sql in indexes:
            connection.execute(sql)
        connection.execute("PRAGMA journal_mode = WAL")
    finally:
        connection.close()


def _insert(
    connection: sqlite3.Connection, seeds: Seeds, ended_count: int, queued_count: int
) -> None:
    now_ms = time.time_ns() // 1_000_000
    first_phone = seeds.phones[0]
    [first_sim] = connection.execute(
        "SELECT id FROM sims WHERE device_id = ?", (first_phone.id,)
    ).fetchone()
    values = {
        "n": ended_count,
        "ended": ended_count,
        "now": now_ms,
        # One a second, the last of them a day ago.
        "start": now_ms - _DAY_MS - ended_count * 1000,
        "first_user": seeds.user_id,
        "accounts": ACCOUNTS_COUNT,
        "numbers": NUMBERS_COUNT,
        "others": f"[{', '.join(str(n) for n in range(1, ACCOUNTS_COUNT))}]",
        "devices": len(seeds.phones),
        "device": first_phone.id,
        "sim": first_sim,
        "absent_device": seeds.absent_phone.id,
        "per_account": DEVICES_PER_ACCOUNT_COUNT,
    }
    per_account = f"[{', '.join('0' * DEVICES_PER_ACCOUNT_COUNT)}]"
    connection.execute(_USERS, values)
    connection.execute(_DEVICES, values | {"devices": per_account})
    connection.execute(_SIMS, values | {"absent_device": seeds.phones[-1].id})
    connection.execute(_MESSAGES, values)
    connection.execute(_RECIPIENTS, values)
    connection.execute(_EVENTS, values)
    connection.execute(_CONTACTS, values | {"n": NUMBERS_COUNT})
    connection.execute(_DELIVERIES, values | {"n": ended_count // 10})
    connection.execute(_ATTEMPTS)
    connection.execute(_INCOMING, values | {"n": ended_count // 10})
    connection.execute(_QUEUED_MESSAGES, values | {"n": queued_count})
    connection.execute(_QUEUED_RECIPIENTS, values | {"n": queued_count})
