-- Versions of the phone app that this server offers for download.

CREATE TABLE releases (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    version_code INTEGER NOT NULL UNIQUE,
    version TEXT NOT NULL,
    package TEXT NOT NULL,          -- the app's id, as its manifest says
    notes TEXT NOT NULL,
    file_name TEXT NOT NULL,        -- in the folder releases of the data directory
    file_bytes INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('draft', 'published', 'withdrawn')),
    is_active INTEGER NOT NULL DEFAULT 0,
    download_count INTEGER NOT NULL DEFAULT 0,
    published_at INTEGER,           -- the first time
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX releases_active ON releases (is_active) WHERE is_active = 1;
