-- The register of an administering body: what participants publish, and the set that is made of it. Empty, and in nobody's
-- way, where no registry is run. Times are seconds since 1970-01-01T00:00:00Z.

-- The revision moves with every change of the register. Serials and endpoint ids are never given twice, therefore the last
-- ones are remembered here and not looked up among what there is.
CREATE TABLE register (
    one              INTEGER PRIMARY KEY CHECK (one = 1),
    revision         INTEGER NOT NULL,
    last_serial      INTEGER NOT NULL CHECK (last_serial BETWEEN 0 AND 9007199254740992),
    last_endpoint_id INTEGER NOT NULL,
    -- The end of the last proof of possession that was forgotten: none that ends earlier counts any more, however the clock steps.
    forgotten_until  INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO register (one, revision, last_serial, last_endpoint_id) VALUES (1, 0, 0, 0);

-- Rows are never deleted: the kids of a participant that left stay used, also when it comes back.
CREATE TABLE register_participant (
    pid     INTEGER PRIMARY KEY CHECK (pid > 0),
    name    TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    added   INTEGER NOT NULL,
    removed INTEGER
) STRICT;

-- What participants prove themselves with. Neither id nor key is ever taken a second time.
CREATE TABLE register_metadata_key (
    pid        INTEGER NOT NULL REFERENCES register_participant (pid),
    kid        TEXT NOT NULL CHECK (length(kid) BETWEEN 1 AND 128),
    thumbprint TEXT NOT NULL,
    jwk        TEXT NOT NULL,
    added      INTEGER NOT NULL,
    revoked    INTEGER,
    PRIMARY KEY (pid, kid),
    UNIQUE (pid, thumbprint)
) STRICT, WITHOUT ROWID;

-- Every kid that ever was in one of the lists, and which key it named: for good, whoever writes to this file.
CREATE TABLE register_kid (
    pid        INTEGER NOT NULL REFERENCES register_participant (pid),
    list       TEXT NOT NULL CHECK (list IN ('mtb', 'authtoken')),
    kid        TEXT NOT NULL CHECK (length(kid) BETWEEN 1 AND 128),
    thumbprint TEXT NOT NULL,
    added      INTEGER NOT NULL,
    removed    INTEGER,
    PRIMARY KEY (pid, list, kid)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER register_kid_stays BEFORE DELETE ON register_kid
BEGIN SELECT RAISE(ABORT, 'a kid is remembered for good'); END;
CREATE TRIGGER register_kid_names_one_key BEFORE UPDATE OF pid, list, kid, thumbprint ON register_kid
BEGIN SELECT RAISE(ABORT, 'a kid names one key'); END;
CREATE TRIGGER register_kid_leaves_once BEFORE UPDATE OF removed ON register_kid WHEN OLD.removed IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a kid that was removed stays so'); END;

-- Everything that is published, one row for each thing: the body is what is answered, byte for byte. The number is the id of
-- an endpoint or the pid of a constraint's issuer.
CREATE TABLE register_entry (
    pid     INTEGER NOT NULL REFERENCES register_participant (pid),
    kind    TEXT NOT NULL CHECK (kind IN ('domain', 'mtb', 'authtoken', 'endpoint', 'constraint', 'info')),
    number  INTEGER NOT NULL DEFAULT 0,
    kid     TEXT NOT NULL DEFAULT '',
    body    TEXT NOT NULL,
    changed INTEGER NOT NULL,
    PRIMARY KEY (pid, kind, number, kid)
) STRICT, WITHOUT ROWID;

-- The keys of the administering body: two roles sign sets, the third one answers. Rows are never deleted.
CREATE TABLE register_anchor (
    kid        TEXT PRIMARY KEY CHECK (length(kid) BETWEEN 1 AND 128),
    role       TEXT NOT NULL CHECK (role IN ('primary', 'fallback', 'response')),
    state      TEXT NOT NULL CHECK (state IN ('announced', 'active', 'retired')),
    alg        TEXT NOT NULL CHECK (alg IN ('ES256', 'RS256')),
    public_jwk TEXT NOT NULL,
    file       TEXT NOT NULL CHECK (length(file) > 0 AND file NOT GLOB '*/*'),
    created    INTEGER NOT NULL,
    activated  INTEGER,
    retired    INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX register_anchor_one_active ON register_anchor (role) WHERE state = 'active';
CREATE UNIQUE INDEX register_anchor_one_announced ON register_anchor (role) WHERE state = 'announced';

-- The set that was built last, as it is served.
CREATE TABLE register_set (
    one              INTEGER PRIMARY KEY CHECK (one = 1),
    serial           INTEGER NOT NULL,
    revision         INTEGER NOT NULL,
    authid           INTEGER NOT NULL,
    interval_seconds INTEGER,
    built            INTEGER NOT NULL,
    not_valid_after  INTEGER NOT NULL,
    json             BLOB NOT NULL,
    gzip             BLOB NOT NULL
) STRICT;

-- Proofs of possession that were used up, until they are too old to count.
CREATE TABLE register_proof (
    sha256 BLOB PRIMARY KEY CHECK (length(sha256) = 32),
    until  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX register_proof_by_end ON register_proof (until);
