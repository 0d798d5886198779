-- name: limits_of_user
-- submit. Primary key.
SELECT credits, monthly_limit, subscription_ends_at FROM users WHERE id = ?;

-- name: add_usage
-- submit. Primary key.
INSERT INTO usage (user_id, month, messages, segments) VALUES (?, ?, ?, ?)
ON CONFLICT (user_id, month) DO UPDATE
SET messages = messages + excluded.messages, segments = segments + excluded.segments
RETURNING messages;

-- name: take_credits
-- submit, for accounts that have a number of credits. Primary key.
UPDATE users SET credits = credits - ? WHERE id = ?;

-- name: usage_of_month
SELECT messages, segments FROM usage WHERE user_id = ? AND month = ?;

-- name: usage_of_user
-- Statistics: recipients of all months. Primary key.
SELECT coalesce(sum(messages), 0) FROM usage WHERE user_id = ?;
