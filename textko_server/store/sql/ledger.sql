-- name: insert_debit
-- submit, for accounts that have a number of credits, many at a step. Appends to
-- credit_ledger_of_user.
INSERT INTO credit_ledger (user_id, kind, amount, balance, message_id, created_at)
VALUES (?, 'message', ?, ?, ?, ?);

-- name: insert_limits
-- An admin sets the number of credits. Appends to credit_ledger_of_user.
INSERT INTO credit_ledger (user_id, kind, amount, balance, created_at)
VALUES (?, 'limits', ?, ?, ?);

-- name: list_of_user
-- A page of an account's ledger, newest first. credit_ledger_of_user.
SELECT id, user_id, kind, amount, balance, message_id, created_at
FROM credit_ledger WHERE user_id = :user_id AND id < :before_id
ORDER BY id DESC LIMIT :limit OFFSET :offset;

-- name: count_of_user
-- The same: how many lines, as far as they are counted. credit_ledger_of_user.
SELECT count(*) FROM (SELECT 1 FROM credit_ledger WHERE user_id = ? LIMIT ?);
