-- name: insert_pairing_code
INSERT INTO pairing_codes (code_hash, id, user_id, device_name, created_at, expires_at)
VALUES (?, ?, ?, ?, ?, ?);

-- name: find_pairing_code
-- pair. Primary key.
SELECT coalesce(id, ''), user_id, device_name, expires_at, used_at, device_id FROM pairing_codes
WHERE code_hash = ?;

-- name: find_pairing_code_by_id
-- A screen that waits for a phone. Walks the codes of the last day.
SELECT id, user_id, device_name, expires_at, used_at, device_id FROM pairing_codes WHERE id = ?;

-- name: use_pairing_code
UPDATE pairing_codes SET used_at = ?, device_id = ? WHERE code_hash = ?;

-- name: delete_old_pairing_codes
-- Each new code takes the long expired ones along.
DELETE FROM pairing_codes WHERE expires_at < ?;

-- name: insert_device
INSERT INTO devices (user_id, name, model, app_name, app_version, token_hash, is_default, created_at,
    updated_at, last_seen_at, tells_delivered)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: get_device
-- Primary key.
SELECT id, user_id, name, model, app_name, app_version, is_enabled, is_default, battery_percent,
    is_charging, network, signal_percent, last_seen_at, created_at, updated_at, tells_delivered
FROM devices WHERE id = ?;

-- name: list_tokens
-- At start. UNIQUE token_hash, walked whole.
SELECT token_hash, id FROM devices WHERE token_hash IS NOT NULL;

-- name: find_by_token
-- pair, by the voucher. UNIQUE token_hash.
SELECT id, user_id, name, model, app_name, app_version, is_enabled, is_default, battery_percent,
    is_charging, network, signal_percent, last_seen_at, created_at, updated_at, tells_delivered
FROM devices WHERE token_hash = ?;

-- name: list_of_user
-- devices_of_user.
SELECT id, user_id, name, model, app_name, app_version, is_enabled, is_default, battery_percent,
    is_charging, network, signal_percent, last_seen_at, created_at, updated_at, tells_delivered
FROM devices WHERE user_id = ? ORDER BY id;

-- name: list_all
-- The operator's list. Primary key.
SELECT id, user_id, name, model, app_name, app_version, is_enabled, is_default, battery_percent,
    is_charging, network, signal_percent, last_seen_at, created_at, updated_at, tells_delivered
FROM devices ORDER BY id;

-- name: batteries
-- gateway.phone_alerts, for metrics. The devices, walked: few rows.
SELECT min(battery_percent), count(CASE WHEN battery_percent <= :low AND is_charging = 0 THEN 1 END)
FROM devices WHERE battery_percent IS NOT NULL AND last_seen_at >= :since;

-- name: count_of_user
SELECT count(*) FROM devices WHERE user_id = ?;

-- name: created_at
-- A webhook's payload names the device. Primary key.
SELECT created_at FROM devices WHERE id = ?;

-- name: update_device
UPDATE devices SET name = ?, model = ?, app_name = ?, app_version = ?, is_enabled = ?,
    updated_at = ? WHERE id = ?;

-- name: clear_default
UPDATE devices SET is_default = 0 WHERE user_id = ? AND is_default = 1;

-- name: set_default
UPDATE devices SET is_default = 1, updated_at = ? WHERE id = ?;

-- name: update_status
-- sync with a status. Primary key.
UPDATE devices SET battery_percent = coalesce(?, battery_percent),
    is_charging = coalesce(?, is_charging), network = coalesce(?, network),
    signal_percent = coalesce(?, signal_percent), last_seen_at = ? WHERE id = ?;

-- name: update_last_seen
-- Presence, once a minute. Primary key.
UPDATE devices SET last_seen_at = ? WHERE id = ?;

-- name: delete_device
DELETE FROM devices WHERE id = ?;

-- name: sims_of_device
-- UNIQUE (device_id, slot).
SELECT id, device_id, slot, number, carrier, subscription_id, country_iso, min_gap_ms, per_minute,
    per_hour, per_day, recipients_per_month, is_present, window_from_minute, window_to_minute
FROM sims WHERE device_id = ? ORDER BY slot;

-- name: sims_of_user
-- Listing an account's devices. devices_of_user, then UNIQUE (device_id, slot).
SELECT s.id, s.device_id, s.slot, s.number, s.carrier, s.subscription_id, s.country_iso,
    s.min_gap_ms, s.per_minute, s.per_hour, s.per_day, s.recipients_per_month, s.is_present,
    s.window_from_minute, s.window_to_minute
FROM devices AS d JOIN sims AS s ON s.device_id = d.id
WHERE d.user_id = ? ORDER BY s.device_id, s.slot;

-- name: get_sim
SELECT id, device_id, slot, number, carrier, subscription_id, country_iso, min_gap_ms, per_minute,
    per_hour, per_day, recipients_per_month, is_present, window_from_minute, window_to_minute
FROM sims WHERE id = ?;

-- name: put_sim
-- pair, and sync with a SIM list.
INSERT INTO sims (device_id, slot, number, carrier, subscription_id, country_iso, is_present)
VALUES (:device_id, :slot, :number, :carrier, :subscription_id, :country_iso, 1)
ON CONFLICT (device_id, slot) DO UPDATE SET number = excluded.number, carrier = excluded.carrier,
    subscription_id = excluded.subscription_id, country_iso = excluded.country_iso, is_present = 1;

-- name: absent_sims
UPDATE sims SET is_present = 0 WHERE device_id = ?;

-- name: set_pace
UPDATE sims SET min_gap_ms = ?, per_minute = ?, per_hour = ?, per_day = ?, recipients_per_month = ?
WHERE id = ?;

-- name: set_window
UPDATE sims SET window_from_minute = ?, window_to_minute = ? WHERE id = ?;

-- name: get_devices
-- The syncs of many devices at once. Primary key.
SELECT id, user_id, name, model, app_name, app_version, is_enabled, is_default, battery_percent,
    is_charging, network, signal_percent, last_seen_at, created_at, updated_at, tells_delivered
FROM devices WHERE id IN (SELECT value FROM json_each(?));

-- name: sims_of_devices
-- The same. UNIQUE (device_id, slot).
SELECT id, device_id, slot, number, carrier, subscription_id, country_iso, min_gap_ms, per_minute,
    per_hour, per_day, recipients_per_month, is_present, window_from_minute, window_to_minute
FROM sims WHERE device_id IN (SELECT value FROM json_each(?)) ORDER BY device_id, slot;
