-- What is owed to webhooks, and every attempt at it.

-- name: insert
-- store.webhook_deliveries.insert, in the transaction of the change it reports.
INSERT INTO webhook_deliveries (webhook_id, user_id, event, body, state, next_attempt_at, created_at)
VALUES (:webhook_id, :user_id, :event, x'', 'pending', :now_ms, :now_ms);

-- name: insert_with_body
-- store.webhook_deliveries.insert_all: the changes of many messages, many at a step.
INSERT INTO webhook_deliveries (webhook_id, user_id, event, body, state, next_attempt_at, created_at)
VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: last_id
-- store.webhook_deliveries.next_id: the newest key ever given, which AUTOINCREMENT keeps.
SELECT seq FROM sqlite_sequence WHERE name = 'webhook_deliveries';

-- name: set_body
-- store.webhook_deliveries.insert, right after the insert; by primary key.
UPDATE webhook_deliveries SET body = ? WHERE id = ?;

-- name: find
-- store.webhook_deliveries.find; by primary key. A user_id of NULL sees everybody's.
SELECT id, webhook_id, user_id, event, body, state, attempt_count, next_attempt_at, created_at,
    ended_at
FROM webhook_deliveries
WHERE id = :id AND (:user_id IS NULL OR user_id = :user_id);

-- name: due_in_all
-- The overview, health, metrics. webhook_deliveries_due: what is owed, not the history. What waits for
-- a webhook that is disabled is due to nobody.
SELECT count(*), min(next_attempt_at) FROM webhook_deliveries
WHERE next_attempt_at IS NOT NULL AND next_attempt_at <= ?
    AND webhook_id IN (SELECT id FROM webhooks WHERE is_enabled = 1);

-- name: attempts
-- store.webhook_deliveries.list_attempts; on the primary key.
SELECT number, at, duration_ms, status, error, answer
FROM webhook_attempts
WHERE delivery_id = :delivery_id
ORDER BY number;

-- name: list_of_webhook
-- store.webhook_deliveries.list_page; on webhook_deliveries_of_webhook.
SELECT id, webhook_id, user_id, event, body, state, attempt_count, next_attempt_at, created_at,
    ended_at
FROM webhook_deliveries
WHERE webhook_id = :webhook_id AND id < :before_id AND (:state IS NULL OR state = :state)
ORDER BY id DESC
LIMIT :limit;

-- name: list_of_user
-- store.webhook_deliveries.list_page; on webhook_deliveries_of_user.
SELECT id, webhook_id, user_id, event, body, state, attempt_count, next_attempt_at, created_at,
    ended_at
FROM webhook_deliveries
WHERE user_id = :user_id AND id < :before_id AND (:state IS NULL OR state = :state)
ORDER BY id DESC
LIMIT :limit;

-- name: list_all
-- store.webhook_deliveries.list_page for the operator; by primary key.
SELECT id, webhook_id, user_id, event, body, state, attempt_count, next_attempt_at, created_at,
    ended_at
FROM webhook_deliveries
WHERE id < :before_id AND (:state IS NULL OR state = :state)
ORDER BY id DESC
LIMIT :limit;

-- name: list_failed
-- store.webhook_deliveries.list_page; on webhook_deliveries_failed, for the chosen webhooks. They are
-- rare among the delivered ones, so the plain lists would read long before they find a page of them.
SELECT id, webhook_id, user_id, event, body, state, attempt_count, next_attempt_at, created_at,
    ended_at
FROM webhook_deliveries
WHERE id IN (
    SELECT id FROM webhook_deliveries
    WHERE state = 'failed' AND id < :before_id AND webhook_id IN (
        SELECT id FROM webhooks
        WHERE (:webhook_id IS NULL OR id = :webhook_id) AND (:user_id IS NULL OR user_id = :user_id)
    )
    ORDER BY id DESC
    LIMIT :limit
)
ORDER BY id DESC;

-- name: list_pending
-- store.webhook_deliveries.list_page; on webhook_deliveries_due, as above. The plus keeps the planner
-- from walking all deliveries of a webhook by id.
SELECT id, webhook_id, user_id, event, body, state, attempt_count, next_attempt_at, created_at,
    ended_at
FROM webhook_deliveries
WHERE id IN (
    SELECT id FROM webhook_deliveries
    WHERE next_attempt_at IS NOT NULL AND +id < :before_id AND webhook_id IN (
        SELECT id FROM webhooks
        WHERE (:webhook_id IS NULL OR id = :webhook_id) AND (:user_id IS NULL OR user_id = :user_id)
    )
    ORDER BY id DESC
    LIMIT :limit
)
ORDER BY id DESC;

-- name: waiting
-- store.webhook_deliveries.list_waiting, the webhook loop; hops over webhook_deliveries_due, one step
-- for each webhook that has anything pending, however much it is.
WITH RECURSIVE owed (webhook_id) AS (
    SELECT min(webhook_id) FROM webhook_deliveries WHERE next_attempt_at IS NOT NULL
    UNION ALL
    SELECT (
        SELECT min(d.webhook_id) FROM webhook_deliveries AS d
        WHERE d.next_attempt_at IS NOT NULL AND d.webhook_id > owed.webhook_id
    )
    FROM owed
    WHERE owed.webhook_id IS NOT NULL
)
SELECT w.id, w.url, w.secret, w.format, (
    SELECT min(d.next_attempt_at) FROM webhook_deliveries AS d
    WHERE d.webhook_id = w.id AND d.next_attempt_at IS NOT NULL
) AS soonest_at
FROM owed
JOIN webhooks AS w ON w.id = owed.webhook_id
WHERE w.is_enabled = 1
ORDER BY soonest_at;

-- name: due
-- store.webhook_deliveries.list_due, the webhook loop; on webhook_deliveries_due.
SELECT id, webhook_id, user_id, event, body, state, attempt_count, next_attempt_at, created_at,
    ended_at
FROM webhook_deliveries
WHERE webhook_id = :webhook_id AND next_attempt_at <= :now_ms
ORDER BY next_attempt_at
LIMIT :limit;

-- name: attempt_counts
-- store.webhook_deliveries.find_attempt_counts, recording an attempt; by primary key.
SELECT attempt_count, attempts_before FROM webhook_deliveries WHERE id = ?;

-- name: insert_attempt
-- store.webhook_deliveries.record_attempt.
INSERT INTO webhook_attempts (delivery_id, number, at, duration_ms, status, error, answer)
VALUES (:delivery_id, :number, :at, :duration_ms, :status, :error, :answer);

-- name: set_outcome
-- store.webhook_deliveries.record_attempt; by primary key.
UPDATE webhook_deliveries
SET state = :state, attempt_count = :attempt_count, next_attempt_at = :next_attempt_at,
    ended_at = :ended_at
WHERE id = :id;

-- name: redeliver
-- store.webhook_deliveries.redeliver; by primary key.
UPDATE webhook_deliveries
SET state = 'pending', attempts_before = attempt_count, next_attempt_at = :now_ms, ended_at = NULL
WHERE id = :id;

-- name: redeliver_failed
-- store.webhook_deliveries.redeliver_failed; on webhook_deliveries_failed.
UPDATE webhook_deliveries
SET state = 'pending', attempts_before = attempt_count, next_attempt_at = :now_ms, ended_at = NULL
WHERE id IN (
    SELECT id FROM webhook_deliveries
    WHERE state = 'failed' AND webhook_id = :webhook_id
    ORDER BY id
    LIMIT :limit
);

-- name: delete_of_webhook
-- store.webhook_deliveries.delete_of_webhook; on webhook_deliveries_of_webhook.
DELETE FROM webhook_deliveries
WHERE id IN (SELECT id FROM webhook_deliveries WHERE webhook_id = :webhook_id LIMIT :limit);

-- name: last_attempts
-- store.webhook_deliveries.last_attempts, a page of deliveries; by the primary keys of both tables.
SELECT d.id, a.number, a.at, a.duration_ms, a.status, a.error, a.answer
FROM json_each(:ids) AS asked
JOIN webhook_deliveries AS d ON d.id = asked.value
JOIN webhook_attempts AS a ON a.delivery_id = d.id AND a.number = d.attempt_count;

-- name: standings
-- store.webhook_deliveries.standings, a page of webhooks; on webhook_deliveries_due and
-- webhook_deliveries_failed, no further than :limit rows of each.
SELECT w.id,
    (SELECT count(*) FROM (
        SELECT 1 FROM webhook_deliveries AS d
        WHERE d.webhook_id = w.id AND d.next_attempt_at IS NOT NULL LIMIT :limit
    )),
    (SELECT count(*) FROM (
        SELECT 1 FROM webhook_deliveries AS d
        WHERE d.webhook_id = w.id AND d.state = 'failed' LIMIT :limit
    )),
    (SELECT min(d.next_attempt_at) FROM webhook_deliveries AS d
        WHERE d.webhook_id = w.id AND d.next_attempt_at IS NOT NULL)
FROM json_each(:ids) AS asked
JOIN webhooks AS w ON w.id = asked.value;

-- name: first_failure
-- store.webhook_deliveries.standings, a webhook whose last attempt failed; on webhook_deliveries_due
-- from its end, where those are that failed most often, and webhook_deliveries_failed, no further than
-- :limit rows of each; then the attempts' primary key.
SELECT min(a.at)
FROM webhook_attempts AS a
WHERE a.at > :after AND a.delivery_id IN (
    SELECT id FROM (
        SELECT d.id FROM webhook_deliveries AS d
        WHERE d.webhook_id = :webhook_id AND d.next_attempt_at IS NOT NULL
        ORDER BY d.next_attempt_at DESC LIMIT :limit
    )
    UNION ALL
    SELECT id FROM (
        SELECT d.id FROM webhook_deliveries AS d
        WHERE d.webhook_id = :webhook_id AND d.state = 'failed'
        ORDER BY d.id DESC LIMIT :limit
    )
);
