//! The bounds of what is read, each with its reason. A report that needs more is refused by name.

/// The largest file, in bytes: over twenty times a log of one million jobs, so nothing real is larger, and
/// a disk image or an endless file in the inbox stops early.
pub(super) const FILE_BYTES_MAX: u64 = 4 << 30;

/// The largest row, in bytes, line breaks inside quotes included. Document names are far shorter; only a
/// quote that is never closed gathers more, and memory must not grow with the file.
pub(super) const ROW_BYTES_MAX: usize = 1 << 20;

/// The most cells in a row: the width of a spreadsheet, which may write all of its empty columns.
pub(super) const CELLS_MAX: usize = 16_384;

/// The rows that are searched for the header. Known reports have it in the third row at the latest;
/// hand-made notes above it are short too.
pub(super) const HEADER_ROWS_MAX: usize = 64;

/// The bytes that are searched for the header, in whole rows.
pub(super) const HEADER_BYTES_MAX: usize = 128 << 10;

/// Findings of one code that are told row by row; the rest are told by their number, so that a damaged
/// column of a million rows stays one page.
pub(super) const FINDINGS_PER_CODE_MAX: u64 = 20;

/// Characters of a cell that are quoted in a message.
pub(super) const QUOTED_CHARS_MAX: usize = 40;

/// Bytes that are read at a time: large enough that calls do not count, small enough for the cache.
pub(super) const CHUNK_BYTES: usize = 256 << 10;
