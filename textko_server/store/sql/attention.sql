-- name: waiting_by_lane
-- gateway.traffic once a minute, gateway.attention. recipients_waiting, walked whole: the queue, not
-- the history; of the oldest of each lane its row.
SELECT l.lane, CASE substr(l.lane, 1, 1)
        WHEN 'd' THEN CAST(substr(l.lane, 2) AS INTEGER)
        WHEN 's' THEN (SELECT device_id FROM sims WHERE id = CAST(substr(l.lane, 2) AS INTEGER))
    END, l.waiting, r.user_id, r.created_at
FROM (
    SELECT lane, count(*) AS waiting, min(id) AS oldest_id FROM recipients
    WHERE lane IS NOT NULL GROUP BY lane
) AS l CROSS JOIN recipients AS r ON r.id = l.oldest_id;

-- name: failed_deliveries
-- gateway.attention: how many deliveries of each webhook were given up, as far as they are counted.
-- webhook_deliveries_failed.
SELECT w.value, (
    SELECT count(*) FROM (
        SELECT 1 FROM webhook_deliveries WHERE webhook_id = w.value AND state = 'failed'
        LIMIT :limit))
FROM json_each(:webhook_ids) AS w;

-- name: short_accounts
-- gateway.attention: who cannot send, or not for long. The users, walked: few rows, and usage by its
-- primary key.
SELECT id, email, credits, monthly_limit, subscription_ends_at, coalesce((
        SELECT messages FROM usage WHERE usage.user_id = users.id AND month = :month), 0) AS used
FROM users
WHERE id BETWEEN :first_user_id AND :last_user_id
    AND (credits < :low_credits OR subscription_ends_at <= :ends_before OR used >= monthly_limit)
ORDER BY id LIMIT :limit;

-- name: recent_failures
-- gateway.attention: why the recipients of these messages failed lately. recipients_of_message.
SELECT coalesce(error_code, ''), coalesce(max(error), ''), count(*), min(ended_at) FROM recipients
WHERE message_id IN (SELECT value FROM json_each(:message_ids)) AND state = 'failed'
    AND ended_at >= :since
GROUP BY error_code ORDER BY count(*) DESC;
