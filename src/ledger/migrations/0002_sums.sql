-- Reports of sums, and files that are followed.

-- A row may stand for a period's sum of one user or one shared account instead of one job. `source` says what a row
-- and a report are of: 0 jobs, 1 sums of users, 2 sums of shared accounts. A site is billed from one of them; the
-- others are compared with it. `job_count` is the number of jobs that a row stands for.
-- No checks on them: each of a million jobs has the defaults, and a check costs its time again.
ALTER TABLE job ADD COLUMN source INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN job_count INTEGER NOT NULL DEFAULT 1;
ALTER TABLE report ADD COLUMN source INTEGER NOT NULL DEFAULT 0 CHECK (source BETWEEN 0 AND 2);

-- A digest of what the operator said of the site's reports when it was read: rows that could not be read then are looked
-- at again when it changes.
ALTER TABLE report ADD COLUMN settings BLOB;

-- Whether a report of jobs says printer and document, which tell jobs apart: reports that differ in it cannot have days
-- in common, or their jobs would count twice.
ALTER TABLE report ADD COLUMN has_printer INTEGER CHECK (has_printer IN (0, 1));
ALTER TABLE report ADD COLUMN has_document INTEGER CHECK (has_document IN (0, 1));
UPDATE report SET has_printer = found.has_printer FROM (
    SELECT report_id, max(printer.name <> '') AS has_printer FROM job JOIN printer ON printer.id = printer_id
    GROUP BY report_id
) AS found WHERE found.report_id = report.id;

-- The rows of followed files, each by a hash over it and all rows before it: so a line counts once, whatever the file
-- is called by now, and equal lines at two places count twice. `generation` is the report in which a file was first
-- seen, `ordinal` the row's place in it; a row that was rejected or left out has no job.
CREATE TABLE followed (
    site_id INTEGER NOT NULL REFERENCES site (id),
    chain BLOB NOT NULL CHECK (length(chain) = 16),
    generation INTEGER NOT NULL REFERENCES report (id),
    ordinal INTEGER NOT NULL,
    job_id INTEGER REFERENCES job (id),
    PRIMARY KEY (site_id, chain)
) STRICT, WITHOUT ROWID;
