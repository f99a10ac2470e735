//! What a column can mean. Headers are matched to these words by the tables in `profiles/`.

/// What a column of a report means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Field {
    Time,
    /// The time beside a column with the day.
    TimeOfDay,
    User,
    Account,
    SubAccount,
    Printer,
    Document,
    JobType,
    PaperSize,
    /// Pages with the copies in them.
    Pages,
    /// Pages of one copy.
    CopyPages,
    Copies,
    ColourPages,
    Duplex,
    DuplexPages,
    SimplexPages,
    Grayscale,
    Cost,
    Refunded,
    Printed,
    Cancelled,
    Allowed,
    DeniedReason,
    Jobs,
    Balance,
    /// An id that a spreadsheet may have damaged; not kept.
    Id,
    /// A column that only a transaction log has.
    TransactionMark,
    /// A column that only a Hive or Pocket export has.
    HiveMark,
    /// A column that only a job import file has.
    ImportMark,
    /// Known, and not needed.
    Other,
}

impl Field {
    /// Every field, in the order in which people are told of them.
    pub(super) const ALL: [(Field, &'static str); 30] = [
        (Field::Time, "time"),
        (Field::TimeOfDay, "time-of-day"),
        (Field::User, "user"),
        (Field::Account, "account"),
        (Field::SubAccount, "sub-account"),
        (Field::Printer, "printer"),
        (Field::Document, "document"),
        (Field::JobType, "job-type"),
        (Field::PaperSize, "paper-size"),
        (Field::Pages, "pages"),
        (Field::CopyPages, "copy-pages"),
        (Field::Copies, "copies"),
        (Field::ColourPages, "colour-pages"),
        (Field::Duplex, "duplex"),
        (Field::DuplexPages, "duplex-pages"),
        (Field::SimplexPages, "simplex-pages"),
        (Field::Grayscale, "grayscale"),
        (Field::Cost, "cost"),
        (Field::Refunded, "refunded"),
        (Field::Printed, "printed"),
        (Field::Cancelled, "cancelled"),
        (Field::Allowed, "allowed"),
        (Field::DeniedReason, "denied-reason"),
        (Field::Jobs, "jobs"),
        (Field::Balance, "balance"),
        (Field::Id, "id"),
        (Field::TransactionMark, "transaction-mark"),
        (Field::HiveMark, "hive-mark"),
        (Field::ImportMark, "import-mark"),
        (Field::Other, "other"),
    ];

    /// The word used in settings, facts and messages.
    pub(super) fn name(self) -> &'static str {
        Field::ALL.iter().find(|(field, _)| *field == self).map_or("other", |(_, name)| name)
    }

    /// The field of that word.
    pub(super) fn parse(word: &str) -> Option<Field> {
        Field::ALL.iter().find(|(_, name)| *name == word).map(|(field, _)| *field)
    }
}

/// The words that people use, for a message; the marks of kinds are ours alone.
pub(super) fn names() -> String {
    let is_own = |name: &str| name.ends_with("-mark");
    let names = Field::ALL.iter().map(|(_, name)| *name).filter(|name| !is_own(name));
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
