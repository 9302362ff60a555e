-- Schema 1. Times are seconds since 1970-01-01T00:00:00Z, fingerprints are raw bytes.

-- Moves with every administrative change, so that a running service notices one by a cheap read.
CREATE TABLE revision (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    value INTEGER NOT NULL
) STRICT;
INSERT INTO revision (one, value) VALUES (1, 0);

-- Written now and then by a running service to learn whether the store can be written at all.
CREATE TABLE heartbeat (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    beat INTEGER NOT NULL
) STRICT;
INSERT INTO heartbeat (one, beat) VALUES (1, 0);

CREATE TABLE participant (
    pid       INTEGER PRIMARY KEY CHECK (pid > 0),
    name      TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    base_path TEXT UNIQUE CHECK (base_path GLOB '/[A-Za-z0-9._~-]*' AND base_path NOT GLOB '*[^A-Za-z0-9._~/-]*'),
    created   INTEGER NOT NULL
) STRICT;

CREATE TABLE participant_host (
    host     TEXT PRIMARY KEY CHECK (length(host) BETWEEN 1 AND 253 AND host NOT GLOB '*[^a-z0-9._:-]*'),
    pid      INTEGER NOT NULL REFERENCES participant (pid),
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX participant_host_by_pid ON participant_host (pid, position);

CREATE TABLE entity (
    key         INTEGER PRIMARY KEY,
    pid         INTEGER NOT NULL REFERENCES participant (pid),
    id          TEXT NOT NULL CHECK (length(id) BETWEEN 1 AND 128),
    class       TEXT NOT NULL CHECK (length(class) BETWEEN 1 AND 32),
    lifetime    INTEGER CHECK (lifetime BETWEEN 1 AND 4294967295),
    email       TEXT CHECK (length(email) BETWEEN 1 AND 320),
    external_id TEXT CHECK (length(external_id) BETWEEN 1 AND 320),
    state       TEXT NOT NULL CHECK (state IN ('active', 'suspended')),
    created     INTEGER NOT NULL,
    changed     INTEGER NOT NULL,
    UNIQUE (pid, id)
) STRICT;

-- Both fingerprints are unique over the whole store and for ever: a revoked certificate keeps its row, also when its
-- entity is removed (entity_key becomes NULL, entity_id remembers whose it was). entity_id is NULL in a certificate
-- of the participant as a whole.
CREATE TABLE certificate (
    key        INTEGER PRIMARY KEY,
    pid        INTEGER NOT NULL REFERENCES participant (pid),
    entity_key INTEGER REFERENCES entity (key),
    entity_id  TEXT,
    sha1       BLOB NOT NULL UNIQUE CHECK (length(sha1) = 20),
    sha256     BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32),
    state      TEXT NOT NULL CHECK (state IN ('active', 'revoked')),
    not_before INTEGER NOT NULL,
    not_after  INTEGER NOT NULL,
    enrolled   INTEGER NOT NULL,
    changed    INTEGER NOT NULL,
    CHECK (entity_key IS NULL OR entity_id IS NOT NULL),
    CHECK (state = 'revoked' OR entity_id IS NULL OR entity_key IS NOT NULL)
) STRICT;
CREATE INDEX certificate_by_owner ON certificate (pid, entity_id);
CREATE INDEX certificate_by_entity ON certificate (entity_key) WHERE entity_key IS NOT NULL;

-- What only an administrator reads; apart, so that the rows above stay small and are read fast.
CREATE TABLE certificate_body (
    key     INTEGER PRIMARY KEY REFERENCES certificate (key),
    serial  TEXT NOT NULL,
    subject TEXT NOT NULL,
    kind    TEXT NOT NULL,
    der     BLOB NOT NULL
) STRICT;

-- Rows are never deleted, so that a kid is never used twice.
CREATE TABLE authtoken_key (
    pid            INTEGER NOT NULL REFERENCES participant (pid),
    kid            TEXT NOT NULL CHECK (length(kid) BETWEEN 1 AND 128),
    alg            TEXT NOT NULL CHECK (alg IN ('ES256', 'RS256')),
    state          TEXT NOT NULL CHECK (state IN ('pending', 'active', 'retiring', 'retired')),
    public_jwk     TEXT NOT NULL,
    file           TEXT NOT NULL CHECK (length(file) > 0 AND file NOT GLOB '*/*'),
    created        INTEGER NOT NULL,
    activated      INTEGER,
    retiring_since INTEGER,
    retired        INTEGER,
    not_after      INTEGER,
    PRIMARY KEY (pid, kid)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX authtoken_key_one_active ON authtoken_key (pid) WHERE state = 'active';

-- Only appended to, and pruned from its oldest end.
CREATE TABLE audit (
    id           INTEGER PRIMARY KEY,
    at           INTEGER NOT NULL,
    actor        TEXT NOT NULL,
    action       TEXT NOT NULL,
    result       TEXT NOT NULL CHECK (result IN ('issued', 'refused', 'done')),
    reason       TEXT,
    pid          INTEGER,
    entity_id    TEXT,
    sha1         BLOB,
    sha256       BLOB,
    source       TEXT,
    class        TEXT,
    kid          TEXT,
    token_sha256 BLOB,
    detail       TEXT
) STRICT;
