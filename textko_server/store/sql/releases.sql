-- Versions of the phone app. Few rows: one an app release.

-- name: put
-- store.releases.put: a new draft, also in place of one that was never published or was withdrawn.
-- Unique index on version_code.
INSERT INTO releases (version_code, version, package, notes, file_name, file_bytes, sha256, state,
    created_at, updated_at)
VALUES (:version_code, :version, :package, '', :file_name, :file_bytes, :sha256, 'draft', :now_ms,
    :now_ms)
ON CONFLICT (version_code) DO UPDATE
SET version = excluded.version, package = excluded.package, notes = '',
    file_name = excluded.file_name, file_bytes = excluded.file_bytes, sha256 = excluded.sha256,
    state = 'draft', is_active = 0, download_count = 0, published_at = NULL,
    created_at = excluded.created_at, updated_at = excluded.updated_at;

-- name: find
-- store.releases.find and find_in; unique index on version_code.
SELECT version_code, version, package, notes, file_name, file_bytes, sha256, state, is_active,
    download_count, published_at, created_at, updated_at
FROM releases WHERE version_code = ?;

-- name: find_active
-- store.releases.find_active; on releases_active.
SELECT version_code, version, package, notes, file_name, file_bytes, sha256, state, is_active,
    download_count, published_at, created_at, updated_at
FROM releases WHERE is_active = 1;

-- name: list_all
-- store.releases.list_all; all rows, in the order of the index on version_code.
SELECT version_code, version, package, notes, file_name, file_bytes, sha256, state, is_active,
    download_count, published_at, created_at, updated_at
FROM releases ORDER BY version_code DESC;

-- name: set_notes
-- store.releases.set_notes; unique index on version_code.
UPDATE releases SET notes = ?, updated_at = ? WHERE version_code = ?;

-- name: deactivate
-- store.releases.activate, before another becomes active; on releases_active.
UPDATE releases SET is_active = 0, updated_at = ? WHERE is_active = 1;

-- name: activate
-- store.releases.activate; unique index on version_code.
UPDATE releases
SET state = 'published', is_active = 1, published_at = coalesce(published_at, :now_ms),
    updated_at = :now_ms
WHERE version_code = :version_code;

-- name: withdraw
-- store.releases.withdraw; unique index on version_code.
UPDATE releases SET state = 'withdrawn', is_active = 0, updated_at = ? WHERE version_code = ?;

-- name: count_download
-- store.releases.count_download; unique index on version_code.
UPDATE releases SET download_count = download_count + 1 WHERE version_code = ?;
