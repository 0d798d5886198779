-- name: held_by_devices
-- gateway.device_loads: what each device was offered or has claimed, as far as it is counted.
-- recipients_held, once a device.
SELECT d.value, (
    SELECT count(*) FROM (
        SELECT 1 FROM recipients WHERE device_id = d.value AND state IN ('offered', 'claimed')
        LIMIT :limit))
FROM json_each(:device_ids) AS d;

-- name: waiting_in_each_lane
-- gateway.device_loads: how many wait in each of these lanes, as far as they are counted.
-- recipients_waiting, once a lane.
SELECT l.value, (
    SELECT count(*) FROM (SELECT 1 FROM recipients WHERE lane = l.value LIMIT :limit))
FROM json_each(:lanes) AS l;
