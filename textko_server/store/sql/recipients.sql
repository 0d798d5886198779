-- name: insert_recipient
-- submit, once a phone number. Appends; recipients_waiting and recipients_due where they apply.
INSERT INTO recipients (message_id, user_id, phone_number, state, lane, home_lane, priority, device_id,
    sim_id, due_at, expires_at, segments, created_at, text)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: put_recipient
-- Every change of state, many at a step: they exist, so this updates. Primary key.
INSERT INTO recipients (id, message_id, user_id, phone_number, state, lane, home_lane, priority,
    device_id, sim_id, offer_number, lease_count, due_at, expires_at, cancel_requested_at,
    error_code, error, segments, event_count, created_at, claimed_at, sent_at, delivered_at, ended_at,
    text)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET state = excluded.state, lane = excluded.lane,
    home_lane = excluded.home_lane, device_id = excluded.device_id, sim_id = excluded.sim_id,
    offer_number = excluded.offer_number, lease_count = excluded.lease_count, due_at = excluded.due_at,
    expires_at = excluded.expires_at, cancel_requested_at = excluded.cancel_requested_at,
    error_code = excluded.error_code, error = excluded.error, event_count = excluded.event_count,
    claimed_at = excluded.claimed_at, sent_at = excluded.sent_at,
    delivered_at = excluded.delivered_at, ended_at = excluded.ended_at;

-- name: insert_event
-- Every change of state: a line of the time line.
INSERT INTO recipient_events (recipient_id, number, state, at, device_id, offer_number, actor, detail)
VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- name: states_of_messages
-- Rolling messages up after their recipients changed. recipients_of_message.
SELECT DISTINCT message_id, state FROM recipients
WHERE message_id IN (SELECT value FROM json_each(?));

-- name: get_recipient
-- Reading one. Primary key.
SELECT id, message_id, user_id, phone_number, state, lane, home_lane, priority, device_id, sim_id,
    offer_number, lease_count, due_at, expires_at, cancel_requested_at, error_code, error, segments,
    event_count, created_at, claimed_at, sent_at, delivered_at, ended_at, text
FROM recipients WHERE id = ?;

-- name: list_of_message
-- The recipients of one message, in the order they were given. recipients_of_message.
SELECT id, message_id, user_id, phone_number, state, lane, home_lane, priority, device_id, sim_id,
    offer_number, lease_count, due_at, expires_at, cancel_requested_at, error_code, error, segments,
    event_count, created_at, claimed_at, sent_at, delivered_at, ended_at, text
FROM recipients WHERE message_id = ? ORDER BY id;

-- name: first_of_messages
-- A page of messages for people: what stands for each. Primary key, and recipients_of_message.
SELECT id, message_id, user_id, phone_number, state, lane, home_lane, priority, device_id, sim_id,
    offer_number, lease_count, due_at, expires_at, cancel_requested_at, error_code, error, segments,
    event_count, created_at, claimed_at, sent_at, delivered_at, ended_at, text
FROM recipients WHERE id IN (
    SELECT min(id) FROM recipients WHERE message_id IN (SELECT value FROM json_each(:message_ids))
    GROUP BY message_id);

-- name: list_of_device
-- gateway.device_jobs: what a device claimed, newest first. recipients_of_device.
SELECT id, message_id, user_id, phone_number, state, lane, home_lane, priority, device_id, sim_id,
    offer_number, lease_count, due_at, expires_at, cancel_requested_at, error_code, error, segments,
    event_count, created_at, claimed_at, sent_at, delivered_at, ended_at, text
FROM recipients WHERE device_id = :device_id AND claimed_at IS NOT NULL AND state <> 'offered'
    AND (claimed_at, id) < (:before_at, :before_id)
ORDER BY claimed_at DESC, id DESC LIMIT :limit;

-- name: list_offered
-- gateway.device_jobs: what a device may claim now. recipients_held.
SELECT id, message_id, user_id, phone_number, state, lane, home_lane, priority, device_id, sim_id,
    offer_number, lease_count, due_at, expires_at, cancel_requested_at, error_code, error, segments,
    event_count, created_at, claimed_at, sent_at, delivered_at, ended_at, text
FROM recipients WHERE device_id = ? AND state IN ('offered', 'claimed') AND state = 'offered'
LIMIT ?;

-- name: events_of_message
-- The time lines of one message's recipients. recipients_of_message, then primary key.
SELECT e.recipient_id, e.state, e.at, e.device_id, e.actor, e.detail
FROM recipients AS r JOIN recipient_events AS e ON e.recipient_id = r.id
WHERE r.message_id = ? ORDER BY e.recipient_id, e.number;

-- name: get_job
-- Every change of state: the recipient with what its message knows. Two primary keys.
SELECT r.id, r.message_id, r.user_id, r.phone_number, r.state, r.lane, r.home_lane, r.priority,
    r.device_id, r.sim_id, r.offer_number, r.lease_count, r.due_at, r.expires_at,
    r.cancel_requested_at, r.error_code, r.error, r.segments, r.event_count, r.created_at,
    r.claimed_at, r.sent_at, r.delivered_at, r.ended_at, r.text,
    coalesce(r.text, m.text), m.dialect, m.created_at, m.recipient_count, m.custom_id
FROM recipients AS r JOIN messages AS m ON m.id = r.message_id
WHERE r.id = ?;

-- name: get_jobs
-- The same for many: the claims and reports of a sync. Primary keys.
SELECT r.id, r.message_id, r.user_id, r.phone_number, r.state, r.lane, r.home_lane, r.priority,
    r.device_id, r.sim_id, r.offer_number, r.lease_count, r.due_at, r.expires_at,
    r.cancel_requested_at, r.error_code, r.error, r.segments, r.event_count, r.created_at,
    r.claimed_at, r.sent_at, r.delivered_at, r.ended_at, r.text,
    coalesce(r.text, m.text), m.dialect, m.created_at, m.recipient_count, m.custom_id
FROM json_each(?) AS k CROSS JOIN recipients AS r ON r.id = k.value
JOIN messages AS m ON m.id = r.message_id;

-- name: waiting_in_lane
-- Offering: the best jobs of a lane. recipients_waiting.
SELECT r.id, r.message_id, r.user_id, r.phone_number, r.state, r.lane, r.home_lane, r.priority,
    r.device_id, r.sim_id, r.offer_number, r.lease_count, r.due_at, r.expires_at,
    r.cancel_requested_at, r.error_code, r.error, r.segments, r.event_count, r.created_at,
    r.claimed_at, r.sent_at, r.delivered_at, r.ended_at, r.text,
    coalesce(r.text, m.text), m.dialect, m.created_at, m.recipient_count, m.custom_id
FROM recipients AS r JOIN messages AS m ON m.id = r.message_id
WHERE r.lane = ? ORDER BY r.priority, r.id LIMIT ?;

-- name: waiting_in_lanes
-- Offering: the best jobs of each of several lanes. recipients_waiting, once a lane.
SELECT r.id, r.message_id, r.user_id, r.phone_number, r.state, r.lane, r.home_lane, r.priority,
    r.device_id, r.sim_id, r.offer_number, r.lease_count, r.due_at, r.expires_at,
    r.cancel_requested_at, r.error_code, r.error, r.segments, r.event_count, r.created_at,
    r.claimed_at, r.sent_at, r.delivered_at, r.ended_at, r.text,
    coalesce(r.text, m.text), m.dialect, m.created_at, m.recipient_count, m.custom_id
FROM json_each(:lanes) AS l
CROSS JOIN recipients AS r ON r.id IN (
    SELECT id FROM recipients WHERE lane = l.value ORDER BY priority, id LIMIT :limit)
CROSS JOIN messages AS m ON m.id = r.message_id
ORDER BY r.priority, r.id;

-- name: due
-- The sweep: what happens by itself now. recipients_due.
SELECT r.id, r.message_id, r.user_id, r.phone_number, r.state, r.lane, r.home_lane, r.priority,
    r.device_id, r.sim_id, r.offer_number, r.lease_count, r.due_at, r.expires_at,
    r.cancel_requested_at, r.error_code, r.error, r.segments, r.event_count, r.created_at,
    r.claimed_at, r.sent_at, r.delivered_at, r.ended_at, r.text,
    coalesce(r.text, m.text), m.dialect, m.created_at, m.recipient_count, m.custom_id
FROM recipients AS r JOIN messages AS m ON m.id = r.message_id
WHERE r.due_at <= ? ORDER BY r.due_at LIMIT ?;

-- name: next_due_at
-- The sweep: when to wake next. recipients_due.
SELECT min(due_at) FROM recipients WHERE due_at IS NOT NULL;

-- name: to_cancel
-- sync: granted jobs of devices that are no longer wanted. recipients_held.
SELECT device_id, id, created_at, offer_number FROM recipients
WHERE device_id IN (SELECT value FROM json_each(?)) AND state IN ('offered', 'claimed')
    AND cancel_requested_at IS NOT NULL
LIMIT 1000;

-- name: was_claimed_by
-- A report: did this device get this offer granted? Primary key.
SELECT 1 FROM recipient_events
WHERE recipient_id = ? AND state = 'claimed' AND device_id IS ? AND offer_number = ?;

-- name: claimed_since
-- Pace: how many a SIM took since then. recipients_of_sim.
SELECT count(*) FROM recipients WHERE sim_id = ? AND claimed_at IS NOT NULL AND claimed_at >= ?;

-- name: claim_times_since
-- Pace: when the window opens again. recipients_of_sim.
SELECT claimed_at FROM recipients WHERE sim_id = ? AND claimed_at IS NOT NULL AND claimed_at >= ?
ORDER BY claimed_at LIMIT 1 OFFSET ?;

-- name: last_claims
-- Pace and spreading over SIMs. recipients_of_sim, its last entry for each.
SELECT s.value, (SELECT max(claimed_at) FROM recipients
    WHERE sim_id = s.value AND claimed_at IS NOT NULL)
FROM json_each(?) AS s;

-- name: offered_to_sim
-- Pace: offers that may still be claimed. recipients_held.
SELECT count(*) FROM recipients
WHERE device_id = ? AND sim_id = ? AND state IN ('offered', 'claimed') AND state = 'offered';

-- name: waiting_lanes
-- After start: which lanes have work. recipients_waiting.
SELECT DISTINCT lane FROM recipients WHERE lane IS NOT NULL;

-- name: open_of_device
-- A device goes away: what it was offered or had claimed. recipients_held.
SELECT id FROM recipients WHERE device_id = ? AND state IN ('offered', 'claimed') LIMIT ?;

-- name: pinned_of_device
-- A device goes away: jobs that can only go home to it, wherever they wait now. Those that wait in
-- the lane itself by recipients_waiting, as they need not have anything due. The others by a walk
-- over the open jobs through recipients_due: rare, and an index of its own would cost every submit.
SELECT id FROM recipients WHERE lane = :lane AND home_lane = :lane
UNION
SELECT id FROM recipients
WHERE due_at IS NOT NULL AND home_lane = :lane AND state IN ('queued', 'scheduled') LIMIT :limit;

-- name: add_sim_recipient
-- A claim on a SIM that has a monthly limit of distinct recipients.
INSERT OR IGNORE INTO sim_recipients (sim_id, month, phone_number) VALUES (?, ?, ?);

-- name: knows_sim_recipient
SELECT 1 FROM sim_recipients WHERE sim_id = ? AND month = ? AND phone_number = ?;

-- name: count_sim_recipients
SELECT count(*) FROM sim_recipients WHERE sim_id = ? AND month = ?;

-- name: request_cancel
-- Cancelling a granted job. Primary key.
UPDATE recipients SET cancel_requested_at = ? WHERE id = ?;

-- name: queue_depth
-- Metrics and the overview. recipients_waiting, walked whole: the queue, not the history.
SELECT q.depth, r.created_at
FROM (SELECT count(*) AS depth, min(id) AS oldest_id FROM recipients WHERE lane IS NOT NULL) AS q
LEFT JOIN recipients AS r ON r.id = q.oldest_id;

-- name: was_fetched
-- A report of a phone without a device. Primary key.
SELECT 1 FROM recipient_events WHERE recipient_id = ? AND state = 'claimed' AND device_id IS NULL;

-- name: sent_before
-- gateway.history: an account's recipients with their messages, newest first. messages_of_user
-- backwards, and of each message recipients_of_message backwards: keys of recipients follow those of
-- their messages, so that this is the order of the keys, without an index that every submit pays.
SELECT r.id, r.message_id, r.user_id, r.phone_number, r.state, r.lane, r.home_lane, r.priority,
    r.device_id, r.sim_id, r.offer_number, r.lease_count, r.due_at, r.expires_at,
    r.cancel_requested_at, r.error_code, r.error, r.segments, r.event_count, r.created_at,
    r.claimed_at, r.sent_at, r.delivered_at, r.ended_at, r.text,
    m.id, m.user_id, m.dialect, m.api_key_id, m.text, m.encoding, m.segments, m.recipient_count,
    m.state, m.priority, m.sender_id, m.custom_id, m.scheduled_at, m.expires_at, m.created_at,
    m.updated_at, m.credits
FROM messages AS m CROSS JOIN recipients AS r ON r.message_id = m.id
WHERE m.user_id = :user_id AND r.id < :beyond_id AND m.id <= (
    SELECT message_id FROM recipients WHERE id < :beyond_id ORDER BY id DESC LIMIT 1)
ORDER BY m.id DESC, r.id DESC LIMIT :limit;

-- name: sent_after
-- The same, oldest first.
SELECT r.id, r.message_id, r.user_id, r.phone_number, r.state, r.lane, r.home_lane, r.priority,
    r.device_id, r.sim_id, r.offer_number, r.lease_count, r.due_at, r.expires_at,
    r.cancel_requested_at, r.error_code, r.error, r.segments, r.event_count, r.created_at,
    r.claimed_at, r.sent_at, r.delivered_at, r.ended_at, r.text,
    m.id, m.user_id, m.dialect, m.api_key_id, m.text, m.encoding, m.segments, m.recipient_count,
    m.state, m.priority, m.sender_id, m.custom_id, m.scheduled_at, m.expires_at, m.created_at,
    m.updated_at, m.credits
FROM messages AS m CROSS JOIN recipients AS r ON r.message_id = m.id
WHERE m.user_id = :user_id AND r.id > :beyond_id AND m.id >= (
    SELECT message_id FROM recipients WHERE id > :beyond_id ORDER BY id LIMIT 1)
ORDER BY m.id, r.id LIMIT :limit;

-- name: sent_keys_before
-- gateway.history, of pages that are passed over: the same as sent_before, without what is in them.
SELECT r.id, r.created_at
FROM messages AS m CROSS JOIN recipients AS r ON r.message_id = m.id
WHERE m.user_id = :user_id AND r.id < :beyond_id AND m.id <= (
    SELECT message_id FROM recipients WHERE id < :beyond_id ORDER BY id DESC LIMIT 1)
ORDER BY m.id DESC, r.id DESC LIMIT :limit;

-- name: sent_keys_after
-- gateway.history, of pages that are passed over: the same as sent_after, without what is in them.
SELECT r.id, r.created_at
FROM messages AS m CROSS JOIN recipients AS r ON r.message_id = m.id
WHERE m.user_id = :user_id AND r.id > :beyond_id AND m.id >= (
    SELECT message_id FROM recipients WHERE id > :beyond_id ORDER BY id LIMIT 1)
ORDER BY m.id, r.id LIMIT :limit;

-- name: last_key
-- gateway.history, looking for a time among the keys. Primary key.
SELECT coalesce(max(id), 0) FROM recipients;

-- name: first_from
-- The same: the first at or after a key, and when it was made. Primary key.
SELECT id, created_at FROM recipients WHERE id >= ? ORDER BY id LIMIT 1;

-- name: postpone_silence
-- At start. recipients_due, up to what is due soon.
UPDATE recipients SET due_at = :until
WHERE due_at IS NOT NULL AND due_at < :until AND state = 'claimed';

-- name: acknowledge
-- gateway.listing: its phone has the job, and sent nothing yet. Primary key.
UPDATE recipients SET acknowledged_offer = :offer_number, due_at = :due_at
WHERE id = :id AND state = 'claimed' AND device_id = :device_id AND offer_number = :offer_number;

-- name: acknowledged
-- gateway.listing: granted jobs that a device said it has. recipients_held.
SELECT id FROM recipients WHERE device_id = ? AND state IN ('offered', 'claimed')
    AND acknowledged_offer = offer_number;

-- name: count_claimed
-- gateway.listing: how much a device holds. recipients_held.
SELECT count(*) FROM recipients
WHERE device_id = ? AND state IN ('offered', 'claimed') AND state = 'claimed';
