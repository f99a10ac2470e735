-- PaperCut balances: what was read of them, and what papertally changed.

-- A balance change is a delivery like others. SQLite cannot widen a check, so the table is made anew.
CREATE TABLE delivery_new (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('file', 'mail', 'balance')),
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
INSERT INTO delivery_new SELECT id, key, kind, batch_id, target, sha256, body, state, attempt, created_at, changed_at,
    answer FROM delivery;
DROP TABLE delivery;
ALTER TABLE delivery_new RENAME TO delivery;
CREATE INDEX delivery_state ON delivery (state) WHERE state NOT IN ('delivered', 'given-up');

-- Once through all users and shared accounts of a server. Without an end it was broken off, and may be gone on with.
-- `compared_with` is the earlier snapshot since which its balances were explained.
CREATE TABLE snapshot (
    id INTEGER PRIMARY KEY,
    site_id INTEGER NOT NULL REFERENCES site (id),
    begun_at TEXT NOT NULL,
    begun_second INTEGER NOT NULL,
    ended_at TEXT,
    ended_second INTEGER,
    call_count INTEGER NOT NULL DEFAULT 0,
    change_mark INTEGER NOT NULL,
    compared_with INTEGER REFERENCES snapshot (id)
) STRICT;

-- Who has a balance, as last read. `server_id` is PaperCut's account-id, which survives a rename.
CREATE TABLE holder (
    id INTEGER PRIMARY KEY,
    site_id INTEGER NOT NULL REFERENCES site (id),
    kind TEXT NOT NULL CHECK (kind IN ('user', 'account')),
    name TEXT NOT NULL,
    folded TEXT NOT NULL,
    server_id TEXT NOT NULL,
    full_name TEXT NOT NULL,
    email TEXT NOT NULL,
    other_emails TEXT NOT NULL,
    restricted INTEGER NOT NULL CHECK (restricted IN (0, 1)),
    first_snapshot INTEGER NOT NULL REFERENCES snapshot (id),
    last_snapshot INTEGER NOT NULL REFERENCES snapshot (id),
    -- The server may have named it and failed to tell its balance.
    last_listed INTEGER NOT NULL REFERENCES snapshot (id),
    -- A shared account that was deleted and made anew under the same name is another one.
    UNIQUE (site_id, kind, folded, server_id)
) STRICT;

-- Names that a shared account had before.
CREATE TABLE former_name (
    holder_id INTEGER NOT NULL REFERENCES holder (id),
    folded TEXT NOT NULL,
    name TEXT NOT NULL,
    snapshot_id INTEGER NOT NULL REFERENCES snapshot (id),
    PRIMARY KEY (holder_id, folded)
) STRICT, WITHOUT ROWID;

-- A balance where it was read anew or differs from the reading before: most do not move from night to night. Null begins
-- the snapshots in which it was not read: the account was gone, or the server failed to tell.
CREATE TABLE reading (
    holder_id INTEGER NOT NULL REFERENCES holder (id),
    snapshot_id INTEGER NOT NULL REFERENCES snapshot (id),
    second INTEGER NOT NULL,
    balance INTEGER,
    PRIMARY KEY (holder_id, snapshot_id)
) STRICT, WITHOUT ROWID;

-- Lines whose jobs' balances are changed, and how, as it was when they were issued. Others never are.
CREATE TABLE balance_line (
    line_id INTEGER PRIMARY KEY REFERENCES invoice_line (id),
    mode TEXT NOT NULL CHECK (mode IN ('invoiced', 'target', 'overage')),
    target INTEGER CHECK ((target IS NULL) = (mode <> 'target'))
) STRICT;

-- PaperCut's cost of jobs that a balance change gives back, by the balance that had paid: negative where it takes.
-- User or account is 0 where the balance is the other's. Without a change it was part of a sum of nothing, or it was
-- waived: neither given nor ever taken.
CREATE TABLE settlement (
    id INTEGER PRIMARY KEY,
    delivery_id INTEGER REFERENCES delivery (id),
    job_id INTEGER NOT NULL REFERENCES job (id),
    user_id INTEGER NOT NULL,
    account_id INTEGER NOT NULL,
    cost INTEGER NOT NULL,
    is_waived INTEGER NOT NULL CHECK (is_waived IN (0, 1))
) STRICT;
CREATE INDEX settlement_job ON settlement (job_id);
CREATE INDEX settlement_delivery ON settlement (delivery_id);

-- Up to which job, change and line an issued period was settled.
CREATE TABLE settled (
    site_id INTEGER NOT NULL REFERENCES site (id),
    period_first TEXT NOT NULL,
    period_last TEXT NOT NULL,
    job_mark INTEGER NOT NULL,
    change_mark INTEGER NOT NULL,
    line_mark INTEGER NOT NULL,
    PRIMARY KEY (site_id, period_first, period_last)
) STRICT, WITHOUT ROWID;

-- What a delivery of kind `balance` adds to one balance, written down before it is made. Seconds are the site's wall clock.
CREATE TABLE balance_change (
    delivery_id INTEGER PRIMARY KEY REFERENCES delivery (id),
    site_id INTEGER NOT NULL REFERENCES site (id),
    kind TEXT NOT NULL CHECK (kind IN ('user', 'account')),
    name TEXT NOT NULL,
    folded TEXT NOT NULL,
    server_id TEXT NOT NULL,
    personal_account TEXT NOT NULL,
    user_id INTEGER NOT NULL,
    account_id INTEGER NOT NULL,
    mode TEXT NOT NULL CHECK (mode IN ('invoiced', 'target', 'overage')),
    amount INTEGER NOT NULL CHECK (amount <> 0),
    comment TEXT NOT NULL,
    not_before TEXT NOT NULL,
    -- The balance that was read for billing, for the modes that go by it.
    billing_second INTEGER,
    billing_balance INTEGER,
    -- The latest snapshot when the change was sent: it lies between that one and the next.
    snapshot_id INTEGER,
    -- Read just before the call, and after it.
    before_second INTEGER,
    before_balance INTEGER,
    after_second INTEGER,
    after_balance INTEGER
) STRICT;
CREATE INDEX balance_change_holder ON balance_change (site_id, kind, folded);

CREATE TRIGGER balance_change_fixed BEFORE UPDATE OF site_id, kind, name, personal_account, amount, comment, mode
    ON balance_change
BEGIN SELECT RAISE (ABORT, 'a balance change keeps its amount and its place'); END;
CREATE TRIGGER balance_change_kept BEFORE DELETE ON balance_change
BEGIN SELECT RAISE (ABORT, 'a balance change is never deleted'); END;
