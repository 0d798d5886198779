-- Subscriptions. Few rows: at most webhooks.max_per_account for each account.

-- name: insert
-- store.webhooks.insert.
INSERT INTO webhooks (user_id, name, url, format, secret, events, client_id, device_id, created_at,
    updated_at)
VALUES (:user_id, :name, :url, :format, :secret, :events, :client_id, :device_id, :now_ms, :now_ms);

-- name: find
-- store.webhooks.find and find_in; by primary key. A user_id of NULL sees everybody's.
SELECT id, user_id, name, url, format, secret, events, is_enabled, disabled_reason, success_count,
    failure_count, last_success_at, last_failure_at, created_at, updated_at, client_id, device_id
FROM webhooks
WHERE id = :id AND (:user_id IS NULL OR user_id = :user_id);

-- name: list_of_user
-- store.webhooks.list_page; on webhooks_of_user.
SELECT id, user_id, name, url, format, secret, events, is_enabled, disabled_reason, success_count,
    failure_count, last_success_at, last_failure_at, created_at, updated_at, client_id, device_id
FROM webhooks
WHERE user_id = :user_id AND id < :before_id
ORDER BY id DESC
LIMIT :limit;

-- name: list_all
-- store.webhooks.list_page for the operator; by primary key.
SELECT id, user_id, name, url, format, secret, events, is_enabled, disabled_reason, success_count,
    failure_count, last_success_at, last_failure_at, created_at, updated_at, client_id, device_id
FROM webhooks
WHERE id < :before_id
ORDER BY id DESC
LIMIT :limit;

-- name: count_of_user
-- store.webhooks.count_of_user; on webhooks_of_user.
SELECT count(*) FROM webhooks WHERE user_id = :user_id;

-- name: enabled_of_user
-- store.webhooks.enabled, at every change of a message; on webhooks_of_user.
SELECT id, created_at, format, events, client_id, device_id
FROM webhooks WHERE user_id = ? AND is_enabled = 1 ORDER BY id;

-- name: update
-- store.webhooks.update; by primary key. The counters are the loop's and stay.
UPDATE webhooks
SET name = :name, url = :url, secret = :secret, events = :events, is_enabled = :is_enabled,
    disabled_reason = :disabled_reason, device_id = :device_id, updated_at = :updated_at
WHERE id = :id;

-- name: disable
-- store.webhooks.disable; by primary key.
UPDATE webhooks
SET is_enabled = 0, disabled_reason = :reason, updated_at = :now_ms
WHERE id = :id AND is_enabled = 1;

-- name: count_success
-- store.webhooks.count_attempt; by primary key.
UPDATE webhooks SET success_count = success_count + 1, last_success_at = :at WHERE id = :id;

-- name: count_failure
-- store.webhooks.count_attempt; by primary key.
UPDATE webhooks SET failure_count = failure_count + 1, last_failure_at = :at WHERE id = :id;

-- name: delete
-- store.webhooks.delete; by primary key, cascading over webhook_deliveries_of_webhook.
DELETE FROM webhooks WHERE id = :id;

-- name: find_by_client_id
-- store.webhooks.find_by_client_id and find_by_client_id_in; on webhooks_by_client_id.
SELECT id FROM webhooks WHERE user_id = ? AND client_id = ?;

-- name: set_secrets
-- store.webhooks.set_secrets; on webhooks_of_user.
UPDATE webhooks SET secret = :secret, updated_at = :now_ms
WHERE user_id = :user_id AND format = :format AND secret <> :secret;

-- name: users_told
-- store.webhooks.list_users_told, every few seconds while phones tell of their batteries: all rows,
-- which are few.
SELECT DISTINCT user_id FROM webhooks
WHERE format = :format AND is_enabled = 1 AND instr(' ' || events || ' ', ' ' || :event || ' ') > 0;
