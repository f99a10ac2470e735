//! A report file's rows, whatever holds them: text as it streams, or the sheets of a workbook or page.
//!
//! Opens the container, unpacks an archive, finds the parts that have a known header, and reads their rows as often as
//! it is asked to. What the rows mean is not known here.

use std::io::Read;
use std::path::Path;

use encoding_rs::Encoding;
use zip::ZipArchive;

use crate::domain::{Finding, ReportKind, Severity, fold_name};

use super::archive::{ZipKind, gunzip, unzip, zip_kind};
use super::cells::RowText;
use super::container::{Container, container_of};
use super::csv::{Rows, Tail};
use super::error::{ReadError, title};
use super::grid::Grid;
use super::input::{Bytes, Input};
use super::layout::clean;
use super::limits::{CHUNK_BYTES, HEADER_BYTES_MAX, HEADER_ROWS_MAX, WORKBOOK_BYTES_MAX};
use super::page::{PAGE, read_page};
use super::profile::{Profiles, RowsAre};
use super::settings::ReadSettings;
use super::sniff::{Search, Start, find_header};
use super::workbook::{read_xls, read_zipped};

/// An open report file.
pub(super) struct Content {
    /// The file as it lies there.
    outer: Input,
    pub(super) sha256: [u8; 32],
    /// What was in it, if it is an archive.
    unpacked: Option<(Input, &'static str)>,
    body: Body,
}

enum Body {
    Text(Bytes),
    Grid { grid: Grid, bytes: Option<Bytes> },
}

/// A text, sheet or table with a known header.
#[derive(Debug)]
pub(super) struct Part {
    /// Its place among the sheets that are read.
    sheet: usize,
    /// The sheet's name, where there are several.
    pub(super) name: Option<String>,
    pub(super) start: Start,
}

impl Content {
    /// Opens a file and finds its parts, at least one; all are of one kind.
    pub(super) fn open(
        path: &Path,
        settings: &ReadSettings,
        known: &Profiles,
    ) -> Result<(Content, Vec<Part>, Vec<Finding>), ReadError> {
        let mut outer = Input::open(path)?;
        let mut container = container_of(&outer.head(CHUNK_BYTES)?)?;
        let mut unpacked = None;
        if let Some((mut inner, what)) = unpack(&mut outer, container)? {
            container = container_of(&inner.head(CHUNK_BYTES)?)?;
            let is_archive = container == Container::Gzip
                || container == Container::Zip && kind_of_zip(&mut inner)? == ZipKind::Archive;
            if is_archive {
                return Err(ReadError::ArchiveNested);
            }
            unpacked = Some((inner, what));
        }
        let input = unpacked.as_mut().map_or(&mut outer, |(inner, _)| inner);
        let (body, sha256) = Body::read(input, container, settings)?;
        let sha256 = if unpacked.is_some() { outer.hash()? } else { sha256 };
        let mut content = Content { outer, sha256, unpacked, body };
        let (parts, findings) = content.parts(settings, known)?;
        if matches!(content.body, Body::Grid { .. }) {
            content.check_unchanged(Tail::Row)?;
        }
        Ok((content, parts, findings))
    }

    /// Whether it came out of an archive.
    pub(super) fn is_unpacked(&self) -> bool {
        self.unpacked.is_some()
    }

    /// Bytes of the file as it lies there.
    pub(super) fn size_bytes(&self) -> u64 {
        self.outer.size_bytes
    }

    /// The archive, workbook or page around the rows, in words.
    pub(super) fn containers(&self) -> Vec<&'static str> {
        let grid = self.grid().map(|grid| grid.container);
        self.unpacked.as_ref().map(|(_, what)| *what).into_iter().chain(grid).collect()
    }

    /// What the text's bytes say; a workbook has no text of its own.
    pub(super) fn bytes(&self) -> Option<&Bytes> {
        match &self.body {
            Body::Text(bytes) | Body::Grid { bytes: Some(bytes), .. } => Some(bytes),
            Body::Grid { bytes: None, .. } => None,
        }
    }

    /// The sheets and tables, where it has them.
    pub(super) fn grid(&self) -> Option<&Grid> {
        match &self.body {
            Body::Grid { grid, .. } => Some(grid),
            Body::Text(_) => None,
        }
    }

    /// Hands over the rows of a part below its header. Gives the line that was left for later.
    pub(super) fn each_row<E: From<ReadError>>(
        &mut self,
        part: &Part,
        tail: Tail,
        mut take: impl FnMut(&RowText<'_>) -> Result<(), E>,
    ) -> Result<Option<u64>, E> {
        let start = &part.start;
        match &mut self.body {
            Body::Text(bytes) => {
                let input = self.unpacked.as_mut().map_or(&mut self.outer, |(inner, _)| inner);
                let delimiter = start.delimiter.unwrap_or(b',');
                let mut rows = Rows::new(input.text(bytes)?, delimiter, tail);
                if !start.layout.profile.quotes {
                    rows = rows.without_quotes();
                }
                while rows.advance()? {
                    let row = open_row(&mut rows, start)?;
                    if row.row > start.header_row {
                        take(&row)?;
                    }
                }
                Ok(rows.unfinished())
            }
            Body::Grid { grid, .. } => {
                let mut is_below = start.header_row == 0;
                grid.read(part.sheet, |row| {
                    // Several rows of a page may start in one line.
                    if is_below { take(row) } else { is_header(row, start, &mut is_below) }
                })?;
                let unfinished = grid.sheets.get(part.sheet).and_then(|sheet| sheet.unfinished);
                match unfinished {
                    Some(_) if tail == Tail::Row => {
                        let reason = "a table is never closed".to_owned();
                        Err(ReadError::Damaged { container: grid.container, reason }.into())
                    }
                    unfinished => Ok(unfinished),
                }
            }
        }
    }

    /// Whether every row of a part has a moment in one column and numbers or nothing in others, as a spreadsheet's own: then
    /// no text of them has to be understood.
    pub(super) fn is_typed(
        &mut self,
        part: &Part,
        moment: usize,
        numbers: &[usize],
    ) -> Result<bool, ReadError> {
        let Body::Grid { grid, .. } = &mut self.body else { return Ok(false) };
        // A page has texts only.
        if grid.container == PAGE {
            return Ok(false);
        }
        // What stands above the header counts in the sheet's columns too.
        let mut rows = 0;
        let mut texts = vec![0; numbers.len()];
        let above = grid.read(part.sheet, |row| {
            if row.row > part.start.header_row {
                return Err(Stop::Found);
            }
            rows += 1;
            for (column, count) in numbers.iter().zip(&mut texts) {
                let is_text =
                    row.get(*column).is_some_and(|cell| !cell.is_empty()) && !row.is_number(*column);
                *count += u64::from(is_text);
            }
            Ok(())
        });
        if let Err(Stop::Fault(error)) = above {
            return Err(error);
        }
        let Some(columns) = grid.columns(part.sheet) else { return Ok(false) };
        let is_of_numbers = |(column, above): (&usize, &u64)| columns.texts(*column) == *above;
        Ok(columns.moments(moment) == columns.rows - rows && numbers.iter().zip(&texts).all(is_of_numbers))
    }

    /// Whether the file is still the one that was opened.
    pub(super) fn check_unchanged(&mut self, tail: Tail) -> Result<(), ReadError> {
        let may_grow = tail == Tail::LeftForLater && self.unpacked.is_none();
        self.outer.check_unchanged(self.sha256, may_grow)
    }

    fn parts(
        &mut self,
        settings: &ReadSettings,
        known: &Profiles,
    ) -> Result<(Vec<Part>, Vec<Finding>), ReadError> {
        match &mut self.body {
            Body::Text(bytes) => {
                let input = self.unpacked.as_mut().map_or(&mut self.outer, |(inner, _)| inner);
                let start = find_header(&head_text(input, bytes)?, known, settings.kind)?;
                Ok((vec![Part { sheet: 0, name: None, start }], Vec::new()))
            }
            Body::Grid { grid, .. } => parts_of_grid(grid, settings, known),
        }
    }
}

impl Body {
    /// Takes the contents in, with the hash of all bytes.
    fn read(
        input: &mut Input,
        container: Container,
        settings: &ReadSettings,
    ) -> Result<(Body, [u8; 32]), ReadError> {
        let of_grid = |grid: Grid, sha256| Ok((Body::Grid { grid, bytes: None }, sha256));
        match container {
            Container::Text | Container::Gzip => {
                let bytes = input.survey(settings.encoding.as_deref())?;
                let sha256 = bytes.sha256;
                Ok((Body::Text(bytes), sha256))
            }
            Container::Page => {
                let stated = stated_encoding(&input.head(CHUNK_BYTES)?);
                let bytes = input.survey(settings.encoding.as_deref().or(stated.as_deref()))?;
                let sha256 = bytes.sha256;
                let grid = read_page(input.text(&bytes)?)?;
                Ok((Body::Grid { grid, bytes: Some(bytes) }, sha256))
            }
            Container::Xls => {
                let (bytes, sha256) = input.all(WORKBOOK_BYTES_MAX)?;
                of_grid(read_xls(&bytes)?, sha256)
            }
            Container::Zip => {
                let kind = kind_of_zip(input)?;
                let (bytes, sha256) = input.all(WORKBOOK_BYTES_MAX)?;
                of_grid(read_zipped(&bytes, kind)?, sha256)
            }
        }
    }
}

/// What is in an archive; `None` where the file is none.
fn unpack(outer: &mut Input, container: Container) -> Result<Option<(Input, &'static str)>, ReadError> {
    let size_bytes = outer.size_bytes;
    match container {
        Container::Gzip => {
            let file = gunzip(outer.rewound()?, size_bytes)?;
            Ok(Some((Input::of_unpacked(file)?, "gzip archive")))
        }
        Container::Zip if kind_of_zip(outer)? == ZipKind::Archive => {
            let file = unzip(&mut open_zip(outer)?, size_bytes)?;
            Ok(Some((Input::of_unpacked(file)?, "ZIP archive")))
        }
        _ => Ok(None),
    }
}

fn open_zip(input: &mut Input) -> Result<ZipArchive<std::io::BufReader<&std::fs::File>>, ReadError> {
    ZipArchive::new(std::io::BufReader::new(input.rewound()?)).map_err(|error| ReadError::Damaged {
        container: "XLSX workbook or ZIP archive",
        reason: error.to_string(),
    })
}

fn kind_of_zip(input: &mut Input) -> Result<ZipKind, ReadError> {
    zip_kind(&open_zip(input)?)
}

/// The encoding that a page says it has, for bytes that are not UTF-8.
fn stated_encoding(head: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let (_, value) = head.split_once("charset=")?;
    let value = value.trim_start_matches(['"', '\'', ' ']);
    let end = value.find(['"', '\'', ' ', '>', ';', '/']).unwrap_or(value.len());
    let label = value.get(..end)?;
    Encoding::for_label(label.as_bytes()).map(|_| label.to_owned())
}

/// The start of the text, in whole letters.
fn head_text(input: &mut Input, bytes: &Bytes) -> Result<String, ReadError> {
    let mut head = Vec::new();
    let limit = u64::try_from(HEADER_BYTES_MAX).unwrap_or(u64::MAX);
    input.text(bytes)?.take(limit).read_to_end(&mut head)?;
    if head.contains(&0) {
        return Err(ReadError::NulByte { at: String::new() });
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// The current row, out of the quotes that it may be wrapped in as a whole.
#[inline]
fn open_row<'r, R: Read>(rows: &'r mut Rows<R>, start: &Start) -> Result<RowText<'r>, ReadError> {
    if start.layout.headers.len() > 1 && rows.may_be_wrapped() {
        rows.unwrap_line()?;
    }
    rows.row()
}

/// Waits for the header to go by.
fn is_header<E>(row: &RowText<'_>, start: &Start, is_below: &mut bool) -> Result<(), E> {
    let headers = row.iter().map(clean).take(start.layout.headers.len());
    *is_below = row.row == start.header_row && headers.eq(start.layout.headers.iter().map(String::as_str));
    Ok(())
}

/// Why the look for a header ended.
enum Stop {
    Found,
    Fault(ReadError),
}

impl From<ReadError> for Stop {
    fn from(error: ReadError) -> Stop {
        Stop::Fault(error)
    }
}

/// The sheets with a known header, all of one kind: a log where there is one, else that of the first.
fn parts_of_grid(
    grid: &mut Grid,
    settings: &ReadSettings,
    known: &Profiles,
) -> Result<(Vec<Part>, Vec<Finding>), ReadError> {
    let wanted = settings.kind;
    let mut parts = Vec::new();
    let mut others: Vec<(String, ReadError)> = Vec::new();
    let mut unnamed: Vec<String> = Vec::new();
    for sheet in 0..grid.sheets.len() {
        let name = grid.sheets.get(sheet).map(|sheet| sheet.name.clone()).unwrap_or_default();
        let is_chosen = |chosen: &String| fold_name(chosen) == fold_name(&name);
        if !settings.sheets.is_empty() && !settings.sheets.iter().any(is_chosen) {
            unnamed.push(format!("`{name}`"));
            continue;
        }
        match start_of_sheet(grid, sheet, wanted, known)? {
            Ok(start) => parts.push(Part { sheet, name: Some(name), start }),
            Err(error) => others.push((name, error)),
        }
    }
    let layouts = || parts.iter().map(|part: &Part| &part.start.layout);
    let chosen = layouts()
        .find(|layout| Some(layout.kind) == wanted)
        .or_else(|| layouts().find(|layout| layout.profile.rows == RowsAre::Jobs))
        .or_else(|| layouts().next())
        .map(|layout| (layout.kind, layout.profile.rows, layout.source()));
    let Some((kind, rows, source)) = chosen else {
        let is_telling = |(_, error): &(String, ReadError)| {
            !matches!(error, ReadError::NotAReport { .. } | ReadError::Empty)
        };
        let best = others.iter().position(is_telling).unwrap_or_default();
        return Err(match (others.is_empty(), grid.container) {
            (true, _) if !unnamed.is_empty() => ReadError::SheetMissing {
                wanted: settings.sheets.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
                found: unnamed.join(", "),
            },
            (true, PAGE) => ReadError::PageWithoutTable,
            (true, _) => ReadError::Empty,
            (false, _) => others.swap_remove(best).1,
        });
    };
    let mut findings = std::mem::take(&mut grid.findings);
    if !unnamed.is_empty() {
        let message = format!("the settings name the sheets to be read: {} left out", unnamed.join(", "));
        findings.push(Finding::new(Severity::Note, "sheet-not-chosen", message));
    }
    let (mut parts, left): (Vec<Part>, Vec<Part>) = parts.into_iter().partition(|part| {
        let layout = &part.start.layout;
        (layout.kind, layout.profile.rows, layout.source()) == (kind, rows, source)
    });
    for part in left {
        let what = title(part.start.layout.kind);
        let message = format!(
            "the sheet `{}` is a {what} and was not read with the {}",
            part.name.unwrap_or_default(),
            title(kind)
        );
        findings.push(Finding::new(Severity::Warning, "sheet-other-kind", message));
    }
    for (name, error) in others {
        let message = format!("the sheet `{name}` was not read: {error}");
        match error {
            ReadError::Empty => {}
            ReadError::NotAReport { .. } if grid.day.is_some() => {}
            ReadError::NotAReport { .. } => {
                findings.push(Finding::new(Severity::Note, "sheet-not-read", message))
            }
            _ => findings.push(Finding::new(Severity::Warning, "sheet-not-read", message)),
        }
    }
    if let [only] = parts.as_mut_slice() {
        only.name = None;
    }
    Ok((parts, findings))
}

/// Finds the header of a sheet, or says what the sheet is instead.
fn start_of_sheet(
    grid: &mut Grid,
    sheet: usize,
    wanted: Option<ReportKind>,
    known: &Profiles,
) -> Result<Result<Start, ReadError>, ReadError> {
    let mut search = Search::new(known, wanted);
    let mut preamble: Vec<String> = Vec::new();
    let mut found = None;
    let mut first = None;
    let mut is_own = false;
    let looked = grid.read(sheet, |row| {
        let cells: Vec<&str> = row.iter().map(clean).take(2).collect();
        is_own |= preamble.is_empty() && cells == ["Invoice number", "Payer ID"];
        if is_own || preamble.len() >= HEADER_ROWS_MAX {
            return Err(Stop::Found);
        }
        match search.look(row, None) {
            Some(layout) => {
                found = Some((layout, row.row));
                Err(Stop::Found)
            }
            None => {
                // A layout without a header is asked last, and only where no header follows.
                if first.is_none()
                    && let Some(layout) = search.look_without_header(row)
                {
                    first = Some(layout);
                }
                preamble.push(row.line().to_owned());
                Ok(())
            }
        }
    });
    if let Err(Stop::Fault(error)) = looked {
        return Err(error);
    }
    if is_own {
        return Err(ReadError::OwnOutput("papertally's own workbook of invoice lines"));
    }
    Ok(match found {
        Some((layout, header_row)) => Ok(Start { delimiter: None, layout, header_row, preamble }),
        None if first.is_some() => first
            .map(|layout| Start::without_header(None, layout))
            .ok_or(ReadError::NotAReport { layout: None }),
        None if preamble.is_empty() => Err(ReadError::Empty),
        None => Err(search.why_not()),
    })
}
