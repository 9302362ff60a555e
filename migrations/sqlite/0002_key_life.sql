-- Schema 2: the whole life of a token key, and who leads where several services share a store.

-- Its states are checked by the table itself, which SQLite cannot change in place: a new one, and everything into it.
CREATE TABLE authtoken_key_2 (
    pid            INTEGER NOT NULL REFERENCES participant (pid),
    kid            TEXT NOT NULL CHECK (length(kid) BETWEEN 1 AND 128),
    alg            TEXT NOT NULL CHECK (alg IN ('ES256', 'RS256')),
    state          TEXT NOT NULL CHECK (state IN ('pending', 'published', 'seen', 'active', 'retiring', 'retired')),
    public_jwk     TEXT NOT NULL,
    file           TEXT NOT NULL CHECK (length(file) > 0 AND file NOT GLOB '*/*'),
    created        INTEGER NOT NULL,
    activated      INTEGER,
    retiring_since INTEGER,
    retired        INTEGER,
    not_after      INTEGER,
    -- When the registry had it, and when a verified metadata set, with which serial.
    published      INTEGER,
    seen           INTEGER,
    seen_serial    INTEGER,
    -- No token that it signed is valid after that.
    last_exp       INTEGER,
    withdrawn      INTEGER,
    -- When the registry said that it will never have it; when somebody said that it may be known to others.
    refused        INTEGER,
    distrusted     INTEGER,
    -- How long it has been in its state by a clock that nobody can set: what was measured up to a reading of that clock.
    waited_ms      INTEGER NOT NULL DEFAULT 0 CHECK (waited_ms >= 0),
    steady_clock   TEXT,
    steady_ms      INTEGER,
    PRIMARY KEY (pid, kid),
    CHECK ((seen IS NULL) = (seen_serial IS NULL)),
    CHECK ((steady_clock IS NULL) = (steady_ms IS NULL))
) STRICT, WITHOUT ROWID;
INSERT INTO authtoken_key_2
    (pid, kid, alg, state, public_jwk, file, created, activated, retiring_since, retired, not_after)
    SELECT pid, kid, alg, state, public_jwk, file, created, activated, retiring_since, retired, not_after
    FROM authtoken_key;
DROP TABLE authtoken_key;
ALTER TABLE authtoken_key_2 RENAME TO authtoken_key;
CREATE UNIQUE INDEX authtoken_key_one_active ON authtoken_key (pid) WHERE state = 'active';

-- Who does what only one should do, until when by the clock of its name.
CREATE TABLE lease (
    name         TEXT PRIMARY KEY,
    holder       TEXT NOT NULL,
    steady_clock TEXT NOT NULL,
    until_ms     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
