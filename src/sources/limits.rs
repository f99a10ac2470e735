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

/// The largest workbook, in bytes as it is stored: Excel's million rows of a print log take about a fifth of it.
/// It is held in memory, because its parts are read out of order.
pub(super) const WORKBOOK_BYTES_MAX: u64 = 512 << 20;

/// The largest part of a workbook that is unpacked into memory as a whole: the table of its texts. A million
/// long document names take about a tenth of it.
pub(super) const PART_BYTES_MAX: u64 = 1 << 30;

/// Cells of a sheet in the formats that are only read as a whole (.xls, .xlsb, .ods). A full .xls sheet of a
/// print log has 2 million; one stray cell in its far corner would make 16 million.
pub(super) const SHEET_CELLS_MAX: u64 = 8 << 20;

/// Empty cells left of others, over all rows of a sheet: cells far to the right cost time, not memory.
pub(super) const PADDING_CELLS_MAX: usize = 64 << 20;

/// Merged cells of a sheet. People merge titles and groups; a sheet with more is not a report.
pub(super) const MERGES_MAX: usize = 65_536;

/// Rows put aside in memory before they go to a temporary file.
pub(super) const MEMORY_BYTES_MAX: usize = 8 << 20;

/// All rows put aside, in bytes: as large as the largest file. A few bytes of a workbook can say a long text again, so
/// that a small file would fill the disk.
pub(super) const SPOOL_BYTES_MAX: u64 = FILE_BYTES_MAX;

/// How many times larger than its archive a file may become …
pub(super) const UNPACKED_RATIO_MAX: u64 = 200;

/// … beyond this size. Logs shrink to a tenth or a thirtieth; only an archive made to fill a disk does more.
pub(super) const UNPACKED_BYTES_FREE: u64 = 64 << 20;

/// Files in an archive that are looked at: a ZIP of reports has one.
pub(super) const ARCHIVE_FILES_MAX: usize = 10_000;

/// Tables within tables of a page, and rows and columns that a cell of it may span: those of the HTML standard.
pub(super) const TABLE_DEPTH_MAX: usize = 16;
/// See [`TABLE_DEPTH_MAX`].
pub(super) const COLUMN_SPAN_MAX: usize = 1_000;
/// See [`TABLE_DEPTH_MAX`].
pub(super) const ROW_SPAN_MAX: usize = 65_534;

/// Tables of a page that are looked at; a report has a handful.
pub(super) const TABLES_MAX: u32 = 1_000;

/// Cells of a page that stand in a further row because they span it, over all rows: a group's name in each of a million
/// rows is far less, and a short row tag must not stand for thousands of cells without end.
pub(super) const SPANNED_CELLS_MAX: usize = 16 << 20;

/// Bytes of a page from one tag to the next: pictures and scripts within it have a few million. A token is held as a
/// whole, and memory must not grow with the file.
pub(super) const TOKEN_BYTES_MAX: usize = 16 << 20;

/// Cells of all sheets of an old workbook, which its parser holds together: eight full sheets of a print log.
pub(super) const BOOK_CELLS_MAX: u64 = 16 << 20;

/// How many times a byte of an old workbook may belong to a sheet, on the average; that of a sound one does once.
pub(super) const SHEETS_OVERLAP_MAX: usize = 4;

/// Sheets of a workbook that are looked at, as of the tables of a page: a few bytes can name the same sheet again.
pub(super) const SHEETS_MAX: usize = 1_000;
