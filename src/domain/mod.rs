//! The words of papertally as types and pure functions: no files, no clock, no serde, no logging.

mod balance;
mod charge;
mod currency;
mod directory;
mod finding;
mod invoice;
mod job;
mod key;
mod money;
mod name;
mod period;
mod plan;
mod report;
mod rounding;
mod schedule;
mod secret;

pub use balance::{BalanceMode, Evidence, Holder, HolderKey, Movement, Verdict};
pub use charge::{Charge, HasColour, Terms, UsageItem, charge};
pub use currency::Currency;
pub use directory::{
    AccountMatch, AccountRule, Directory, DirectoryError, MemberRow, PersonalJobs, Place, ServerNames, Span,
    SuspenseReason, TeamRow,
};
pub use finding::{Finding, Severity};
pub use invoice::{
    Batch, DetailItem, InvoiceLine, LineClass, NotBillableItem, Payer, PayerId, Proof, SuspenseItem, TaxRate,
    Usage,
};
pub use job::{Fingerprint, JOB_TYPES, JobRow, JobState, RowChain};
pub use key::{CHARGE_NAMESPACE, invoice_key, invoice_number, line_key};
pub use money::{CELL_UNITS_MAX, Exact, MILLIONTHS, Money, MoneyError, Rate};
pub use name::{fold_name, is_within, resemblance, short_name};
pub use period::{Period, PeriodError};
pub use plan::{Allowance, AllowancePer, Basis, Plan, PriceList, PriceRule};
pub use report::{
    BalanceRow, DateOrder, DecimalMark, Rejection, ReportFacts, ReportKind, Row, Source, SumRow,
};
pub use rounding::{Rounded, round};
pub use schedule::{Schedule, ScheduleError};
pub use secret::Secret;
