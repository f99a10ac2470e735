//! What a report says of a job beside its identity, and how a later report changes it.

use super::keyed::KeyedJob;

/// The columns that are not part of a job's identity. `None`: the report does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Attributes {
    pub(super) account_id: Option<i64>,
    pub(super) job_type_id: Option<i64>,
    pub(super) paper_size_id: Option<i64>,
    pub(super) colour_pages: i64,
    pub(super) duplex: Option<bool>,
    pub(super) grayscale: Option<bool>,
    pub(super) cost: Option<i64>,
    pub(super) state: i64,
}

impl Attributes {
    /// What is known once a later report has said `now`: columns that it does not have stay.
    pub(super) fn overlaid(self, now: Attributes, row: &KeyedJob<'_>) -> Attributes {
        Attributes {
            account_id: if row.has_account { now.account_id } else { self.account_id },
            job_type_id: now.job_type_id.or(self.job_type_id),
            paper_size_id: now.paper_size_id.or(self.paper_size_id),
            colour_pages: if row.colour_pages.is_some() { now.colour_pages } else { self.colour_pages },
            duplex: now.duplex.or(self.duplex),
            grayscale: now.grayscale.or(self.grayscale),
            cost: now.cost.or(self.cost),
            state: now.state,
        }
    }

    /// Whether a later report that says `now` changes nothing.
    pub(super) fn agree(self, now: &Attributes, row: &KeyedJob<'_>) -> bool {
        self.overlaid(*now, row) == self
    }

    /// Name, former and present value of each column that differs.
    pub(super) fn differences(self, became: &Attributes) -> Vec<(&'static str, String, String)> {
        let number = |value: Option<i64>| value.map_or_else(String::new, |value| value.to_string());
        let flag = |value: Option<bool>| value.map_or_else(String::new, |value| value.to_string());
        let all = [
            ("account_id", number(self.account_id), number(became.account_id)),
            ("job_type_id", number(self.job_type_id), number(became.job_type_id)),
            ("paper_size_id", number(self.paper_size_id), number(became.paper_size_id)),
            ("colour_pages", self.colour_pages.to_string(), became.colour_pages.to_string()),
            ("duplex", flag(self.duplex), flag(became.duplex)),
            ("grayscale", flag(self.grayscale), flag(became.grayscale)),
            ("cost", number(self.cost), number(became.cost)),
            ("state", self.state.to_string(), became.state.to_string()),
        ];
        all.into_iter().filter(|(_, was, became)| was != became).collect()
    }
}
