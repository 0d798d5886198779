-- How much there is, for the operator.

-- name: exact
-- store.row_counts.count_rows: what people made by hand. An index of each table, whole; few rows.
SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM api_keys),
    (SELECT count(*) FROM devices), (SELECT count(*) FROM webhooks),
    (SELECT count(*) FROM contact_groups), (SELECT count(*) FROM templates),
    (SELECT count(*) FROM releases);

-- name: key_spans
-- store.row_counts.count_rows: what grows with traffic is not walked. The ends of each primary key;
-- retention deletes from the front, so that the span is the count.
SELECT (SELECT max(id) FROM messages) - (SELECT min(id) FROM messages),
    (SELECT max(id) FROM recipients) - (SELECT min(id) FROM recipients),
    (SELECT max(id) FROM incoming_messages) - (SELECT min(id) FROM incoming_messages),
    (SELECT max(id) FROM webhook_deliveries) - (SELECT min(id) FROM webhook_deliveries),
    (SELECT max(id) FROM scheduled_messages) - (SELECT min(id) FROM scheduled_messages),
    (SELECT max(id) FROM contacts) - (SELECT min(id) FROM contacts),
    (SELECT max(id) FROM opt_outs) - (SELECT min(id) FROM opt_outs);
