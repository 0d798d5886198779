-- name: last_sim
-- submit: the SIM that last wrote to this number, if it may send now. UNIQUE (user_id, phone_number).
SELECT c.last_sim_id, s.device_id
FROM contacts AS c JOIN sims AS s ON s.id = c.last_sim_id JOIN devices AS d ON d.id = s.device_id
WHERE c.user_id = ? AND c.phone_number = ? AND s.is_present = 1 AND d.is_enabled = 1;

-- name: set_last_sim
-- Granted claims, and incoming messages, many at a step.
INSERT INTO contacts (user_id, phone_number, last_sim_id, last_sim_at, created_at, updated_at)
VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (user_id, phone_number) DO UPDATE
SET last_sim_id = excluded.last_sim_id, last_sim_at = excluded.last_sim_at
WHERE last_sim_id IS NOT excluded.last_sim_id;
