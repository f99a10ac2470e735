-- The ledger, first version. Tables and columns singular; money in millionths of the site's currency;
-- `second` is a site's wall-clock time as seconds since 1970-01-01 00:00:00 on that clock.

CREATE TABLE site (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    currency TEXT NOT NULL,
    time_zone TEXT NOT NULL
) STRICT;

-- Names are kept once, as first seen; `folded` is the form in which they compare.
CREATE TABLE user (
    id INTEGER PRIMARY KEY,
    site_id INTEGER NOT NULL REFERENCES site (id),
    name TEXT NOT NULL,
    folded TEXT NOT NULL,
    -- The user that a renamed one became: its jobs were moved there, and what is left is the same again.
    current_id INTEGER REFERENCES user (id),
    UNIQUE (site_id, folded)
) STRICT;

CREATE TABLE account (
    id INTEGER PRIMARY KEY,
    site_id INTEGER NOT NULL REFERENCES site (id),
    name TEXT NOT NULL,
    folded TEXT NOT NULL,
    UNIQUE (site_id, folded)
) STRICT;

CREATE TABLE printer (
    id INTEGER PRIMARY KEY,
    site_id INTEGER NOT NULL REFERENCES site (id),
    name TEXT NOT NULL,
    UNIQUE (site_id, name)
) STRICT;

CREATE TABLE job_type (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE paper_size (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- One report file, known by the hash of its bytes. The counts and sums are what ingestion found, checked
-- before the commit and again by `status`.
CREATE TABLE report (
    id INTEGER PRIMARY KEY,
    site_id INTEGER NOT NULL REFERENCES site (id),
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    size_byte INTEGER NOT NULL,
    encoding TEXT NOT NULL,
    period_first TEXT,
    period_last TEXT,
    covered_first TEXT,
    covered_last TEXT,
    ingested_at TEXT NOT NULL,
    row_count INTEGER NOT NULL DEFAULT 0,
    new_count INTEGER NOT NULL DEFAULT 0,
    repeated_count INTEGER NOT NULL DEFAULT 0,
    not_billable_count INTEGER NOT NULL DEFAULT 0,
    rejected_count INTEGER NOT NULL DEFAULT 0,
    cost INTEGER NOT NULL DEFAULT 0,
    new_cost INTEGER NOT NULL DEFAULT 0,
    repeated_cost INTEGER NOT NULL DEFAULT 0,
    not_billable_cost INTEGER NOT NULL DEFAULT 0,
    rejected_cost INTEGER NOT NULL DEFAULT 0,
    UNIQUE (site_id, sha256),
    CHECK (row_count = new_count + repeated_count + not_billable_count + rejected_count),
    CHECK (cost = new_cost + repeated_cost + not_billable_cost + rejected_cost)
) STRICT;

CREATE TABLE rejection (
    id INTEGER PRIMARY KEY,
    report_id INTEGER NOT NULL REFERENCES report (id),
    row_number INTEGER NOT NULL,
    column_name TEXT NOT NULL,
    found TEXT NOT NULL,
    expected TEXT NOT NULL,
    cost INTEGER
) STRICT;

-- What else a person should know of a report, for the summary that tells of it.
CREATE TABLE report_finding (
    id INTEGER PRIMARY KEY,
    report_id INTEGER NOT NULL REFERENCES report (id),
    severity TEXT NOT NULL,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    row_number INTEGER,
    column_name TEXT
) STRICT;

-- One job. Identity is site, second, fingerprint, user and occurrence; the other columns are what the
-- latest report says of it. The id counts arrivals, so one bit a job remembers what a report has matched.
CREATE TABLE job (
    id INTEGER PRIMARY KEY,
    site_id INTEGER NOT NULL REFERENCES site (id),
    second INTEGER NOT NULL,
    fingerprint BLOB NOT NULL,
    user_id INTEGER NOT NULL REFERENCES user (id),
    occurrence INTEGER NOT NULL CHECK (occurrence >= 1),
    account_id INTEGER REFERENCES account (id),
    printer_id INTEGER NOT NULL REFERENCES printer (id),
    job_type_id INTEGER REFERENCES job_type (id),
    paper_size_id INTEGER REFERENCES paper_size (id),
    pages INTEGER NOT NULL CHECK (pages >= 0),
    colour_pages INTEGER NOT NULL CHECK (colour_pages BETWEEN 0 AND pages),
    duplex INTEGER,
    grayscale INTEGER,
    cost INTEGER,
    state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 3),
    report_id INTEGER NOT NULL REFERENCES report (id),
    row_number INTEGER NOT NULL,
    document TEXT
) STRICT;

-- Time first: a log in order of time appends here too.
CREATE UNIQUE INDEX job_identity ON job (site_id, second, fingerprint, user_id, occurrence);

-- What a later report said differently of a stored job.
CREATE TABLE job_change (
    id INTEGER PRIMARY KEY,
    job_id INTEGER NOT NULL REFERENCES job (id),
    report_id INTEGER NOT NULL REFERENCES report (id),
    row_number INTEGER NOT NULL,
    field TEXT NOT NULL,
    was TEXT NOT NULL,
    became TEXT NOT NULL
) STRICT;
CREATE INDEX job_change_job ON job_change (job_id);

-- Two users with the same jobs in different reports: perhaps one who was renamed. Kept with the report, so that
-- a batch waits for a person however the report came in, until an alias makes them one.
CREATE TABLE lookalike (
    report_id INTEGER NOT NULL REFERENCES report (id),
    stored_user_id INTEGER NOT NULL REFERENCES user (id),
    row_user_id INTEGER NOT NULL REFERENCES user (id),
    job_count INTEGER NOT NULL,
    PRIMARY KEY (report_id, stored_user_id, row_user_id)
) STRICT, WITHOUT ROWID;

-- The issued lines of one site and period. A later batch of the same period has the next sequence.
CREATE TABLE batch (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    site_id INTEGER NOT NULL REFERENCES site (id),
    period_first TEXT NOT NULL,
    period_last TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    issued_at TEXT NOT NULL,
    invoice_date TEXT NOT NULL,
    due_date TEXT NOT NULL,
    job_mark INTEGER NOT NULL,
    change_mark INTEGER NOT NULL,
    directory_digest BLOB NOT NULL,
    UNIQUE (site_id, period_first, period_last, sequence)
) STRICT;

-- What a batch adds to the proof of a period: its own, and each earlier one that it corrects.
CREATE TABLE batch_proof (
    batch_id INTEGER NOT NULL REFERENCES batch (id),
    period_first TEXT NOT NULL,
    period_last TEXT NOT NULL,
    proof TEXT NOT NULL,
    PRIMARY KEY (batch_id, period_first, period_last)
) STRICT, WITHOUT ROWID;

-- The plan and seats by which a payer's period was billed: a correction uses the same.
CREATE TABLE billed_terms (
    id INTEGER PRIMARY KEY,
    batch_id INTEGER NOT NULL REFERENCES batch (id),
    period_first TEXT NOT NULL,
    period_last TEXT NOT NULL,
    payer TEXT NOT NULL,
    terms TEXT NOT NULL
) STRICT;
CREATE INDEX billed_terms_payer ON billed_terms (payer, period_first);

CREATE TABLE invoice_line (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    batch_id INTEGER NOT NULL REFERENCES batch (id),
    invoice_number TEXT NOT NULL,
    payer TEXT NOT NULL,
    payer_detail TEXT NOT NULL,
    class TEXT NOT NULL,
    period_first TEXT NOT NULL,
    period_last TEXT NOT NULL,
    revision INTEGER NOT NULL,
    adjusts TEXT REFERENCES invoice_line (key),
    reverses TEXT UNIQUE REFERENCES invoice_line (key),
    description TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    unit_price INTEGER NOT NULL,
    net INTEGER NOT NULL,
    tax INTEGER NOT NULL,
    tax_name TEXT,
    tax_rate INTEGER,
    usage TEXT NOT NULL,
    proof TEXT NOT NULL,
    CHECK (quantity * unit_price = net)
) STRICT;
CREATE INDEX invoice_line_batch ON invoice_line (batch_id);
CREATE INDEX invoice_line_payer ON invoice_line (payer, period_first);

-- Which jobs are behind a line. `open` is 1 while the line bills the job; a correction or reversal that
-- takes the job back closes the link. A job with mono and colour pages has one link for each class.
CREATE TABLE line_job (
    line_id INTEGER NOT NULL REFERENCES invoice_line (id),
    job_id INTEGER NOT NULL REFERENCES job (id),
    role TEXT NOT NULL CHECK (role IN ('billed', 'taken-back', 'changed')),
    class TEXT NOT NULL,
    open INTEGER NOT NULL CHECK (open IN (0, 1)),
    PRIMARY KEY (line_id, job_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX line_job_open ON line_job (job_id, class) WHERE open = 1;

CREATE TRIGGER invoice_line_fixed BEFORE UPDATE ON invoice_line
BEGIN SELECT RAISE (ABORT, 'an issued invoice line never changes'); END;
CREATE TRIGGER invoice_line_kept BEFORE DELETE ON invoice_line
BEGIN SELECT RAISE (ABORT, 'an issued invoice line is never deleted'); END;
CREATE TRIGGER batch_fixed BEFORE UPDATE ON batch
BEGIN SELECT RAISE (ABORT, 'an issued batch never changes'); END;
CREATE TRIGGER batch_kept BEFORE DELETE ON batch
BEGIN SELECT RAISE (ABORT, 'an issued batch is never deleted'); END;

-- One thing to hand out, written down before it leaves. The body is dropped once it is confirmed.
CREATE TABLE delivery (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('file', 'mail')),
    batch_id INTEGER REFERENCES batch (id),
    target TEXT NOT NULL,
    sha256 BLOB NOT NULL,
    body BLOB,
    state TEXT NOT NULL CHECK (state IN ('pending', 'sending', 'failed', 'uncertain', 'delivered', 'given-up')),
    attempt INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL,
    changed_at TEXT NOT NULL,
    answer TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX delivery_state ON delivery (state) WHERE state NOT IN ('delivered', 'given-up');

CREATE TABLE run (
    id INTEGER PRIMARY KEY,
    started_at TEXT NOT NULL,
    command TEXT NOT NULL,
    outcome TEXT NOT NULL,
    exit_code INTEGER NOT NULL
) STRICT;

-- Findings that were already told, so that a night without news stays silent.
CREATE TABLE finding (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    severity TEXT NOT NULL,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    first_seen_at TEXT NOT NULL,
    last_seen_at TEXT NOT NULL,
    open INTEGER NOT NULL CHECK (open IN (0, 1))
) STRICT;

-- How far the ledger had come when a summary was written down: what came later is news for the next one, also
-- after a crash in between.
CREATE TABLE summary (
    id INTEGER PRIMARY KEY,
    written_at TEXT NOT NULL,
    report_mark INTEGER NOT NULL,
    batch_mark INTEGER NOT NULL
) STRICT;
