//! `[[receiver]]`: the systems that take invoice lines, each with the settings of its form.
//!
//! Everything that a form needs is asked for here, on the day when it is written down, and not on the night of
//! the first invoice. A key that has no effect on the receiver's form is a problem, since somebody meant it.

use std::collections::{BTreeMap, BTreeSet};

use super::billing::NO_TAX;
use super::keys::KEYS;
use super::raw::{Section, one_of};
use crate::domain::{DateOrder, Money, Plan, TaxRate, fold_name};
use crate::outputs::formats::{
    CommoditySide, DEPARTMENT_MAX, Headings, HledgerSettings, LEDGER_DIGITS_MAX, ODOO_ID_COLUMNS,
    OdooSettings, OfficerndSettings, PriceMode, QboSettings, QuickEntrySettings, Sage50Settings, TaxRounding,
    TextEncoding, VAT_RATES, XeroSettings, ZohoSettings, is_account, is_commodity, is_plain,
};

/// A system that takes invoice lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverConfig {
    /// Its name, in file names and deliveries.
    pub name: String,
    /// What it takes.
    pub format: ReceiverFormat,
    /// Encoding of its text files.
    pub encoding: TextEncoding,
}

/// What a receiver takes, with the settings of that form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceiverFormat {
    /// Xero's sales-invoice CSV.
    XeroSalesCsv(XeroSettings),
    /// QuickBooks Online's invoice CSV.
    QboInvoiceCsv(QboSettings),
    /// Sage 50's audit trail transactions as CSV.
    Sage50AuditCsv(Sage50Settings),
    /// hledger's journal.
    Hledger(HledgerSettings),
    /// OfficeRnD's fees as CSV.
    OfficerndFeesCsv(OfficerndSettings),
    /// Sage Accounting's quick entries as CSV.
    SageQuickEntries(QuickEntrySettings),
    /// Odoo's journal entries as CSV.
    OdooAccountMoveCsv(OdooSettings),
    /// Zoho Books' invoices as CSV.
    ZohoInvoiceCsv(ZohoSettings),
    /// A plain CSV of all lines.
    Csv,
    /// A JSON document of all lines.
    Json,
    /// A workbook with lines, detail, exceptions and proof.
    Workbook,
}

#[derive(Clone, Copy)]
enum FormatWord {
    Xero,
    Qbo,
    Sage50,
    Hledger,
    Officernd,
    QuickEntries,
    Odoo,
    Zoho,
    Csv,
    Json,
    Workbook,
}

const FORMATS: [(&str, FormatWord); 11] = [
    ("xero-sales-csv", FormatWord::Xero),
    ("qbo-invoice-csv", FormatWord::Qbo),
    ("sage50-audit-csv", FormatWord::Sage50),
    ("hledger", FormatWord::Hledger),
    ("officernd-fees-csv", FormatWord::Officernd),
    ("sage-quick-entries", FormatWord::QuickEntries),
    ("odoo-account-move-csv", FormatWord::Odoo),
    ("zoho-invoice-csv", FormatWord::Zoho),
    ("csv", FormatWord::Csv),
    ("json", FormatWord::Json),
    ("workbook", FormatWord::Workbook),
];

impl FormatWord {
    /// The keys that have an effect, beside `name` and `format`.
    fn keys(self) -> &'static [&'static str] {
        match self {
            FormatWord::Xero => &["encoding", "account_code", "date_order", "tax_types"],
            FormatWord::Qbo => &["encoding", "date_order", "tax_types", "item", "terms"],
            FormatWord::Sage50 => &["encoding", "account_code", "department", "tax_types"],
            FormatWord::Hledger => {
                &["receivable_account", "income_account", "tax_account", "commodity", "commodity_side"]
            }
            FormatWord::Officernd => {
                &["encoding", "date_order", "location", "price_mode", "plan_prices", "tax_types"]
            }
            FormatWord::QuickEntries => &["encoding", "account_code", "headings", "tax_types"],
            FormatWord::Odoo => {
                &["encoding", "account_code", "item", "tax_types", "tax_rounding", "external_ids"]
            }
            FormatWord::Zoho => &["encoding", "account_code", "item", "tax_types"],
            FormatWord::Csv => &["encoding"],
            FormatWord::Json | FormatWord::Workbook => &[],
        }
    }
}

/// What a batch hands out beside its receivers' files.
const RESERVED: [&str; 3] = ["report", "statement", "balance"];

/// What is said of a text that a spreadsheet or an import would not take as it is.
const NOT_PLAIN: &str = "a text that does not start like a formula and has no line breaks";

/// A receiver's section with what its settings are checked against.
struct Form<'a, 's> {
    section: &'s Section<'a>,
    taxes: &'s [TaxRate],
    plans: &'s [Plan],
    encoding: TextEncoding,
}

pub(super) fn receivers(root: &Section<'_>, taxes: &[TaxRate], plans: &[Plan]) -> Vec<ReceiverConfig> {
    let mut names = BTreeSet::new();
    let mut receivers = Vec::new();
    for section in root.sections("receiver") {
        let name = section.needed_text("name", "a short name, such as `accounts`");
        if name.chars().any(|letter| !(letter.is_alphanumeric() || letter == '-' || letter == '_')) {
            section.problem(
                "name",
                format!("`{name}`"),
                "letters, digits, `-` and `_`: it is part of file names",
            );
        }
        if RESERVED.contains(&fold_name(&name).as_str()) {
            let expected = "another name: papertally hands out something of its own under this one";
            section.problem("name", format!("`{name}`"), expected);
        }
        if !names.insert(fold_name(&name)) {
            section.problem("name", format!("`{name}` a second time"), "another name for each receiver");
        }
        let encoding = encoding(&section);
        let Some(word) = section.needed_choice("format", &FORMATS) else { continue };
        unused(&section, word);
        let form = Form { section: &section, taxes, plans, encoding };
        if let Some(format) = form.format(word) {
            receivers.push(ReceiverConfig { name, format, encoding });
        }
    }
    receivers
}

fn encoding(section: &Section<'_>) -> TextEncoding {
    let Some(name) = section.text("encoding") else { return TextEncoding::default() };
    let encoding = TextEncoding::parse(&name);
    if encoding.is_none() {
        section.problem(
            "encoding",
            format!("`{name}`"),
            "an encoding that can be written, such as `utf-8`, `utf-8-bom` or `windows-1252`",
        );
    }
    encoding.unwrap_or_default()
}

/// A problem for each key of another format.
fn unused(section: &Section<'_>, word: FormatWord) {
    let known = KEYS.iter().filter_map(|key| key.strip_prefix("receiver."));
    let known: BTreeSet<&str> = known.filter_map(|key| key.split('.').next()).collect();
    let is_other = |key: &&str| !["name", "format"].contains(key) && !word.keys().contains(key);
    for key in known.into_iter().filter(is_other).filter(|key| section.has(key)) {
        section.problem(key, "it in a receiver of this format", "nothing: it would have no effect");
    }
}

impl Form<'_, '_> {
    /// `None` where something is wrong that has no stand-in; it is noted then.
    fn format(&self, word: FormatWord) -> Option<ReceiverFormat> {
        Some(match word {
            FormatWord::Xero => ReceiverFormat::XeroSalesCsv(self.xero()),
            FormatWord::Qbo => ReceiverFormat::QboInvoiceCsv(self.qbo()),
            FormatWord::Sage50 => ReceiverFormat::Sage50AuditCsv(self.sage50()),
            FormatWord::Hledger => ReceiverFormat::Hledger(self.hledger()),
            FormatWord::Officernd => ReceiverFormat::OfficerndFeesCsv(self.officernd()),
            FormatWord::QuickEntries => ReceiverFormat::SageQuickEntries(self.quick_entries()?),
            FormatWord::Odoo => ReceiverFormat::OdooAccountMoveCsv(self.odoo()),
            FormatWord::Zoho => ReceiverFormat::ZohoInvoiceCsv(self.zoho()),
            FormatWord::Csv => ReceiverFormat::Csv,
            FormatWord::Json => ReceiverFormat::Json,
            FormatWord::Workbook => ReceiverFormat::Workbook,
        })
    }

    fn xero(&self) -> XeroSettings {
        XeroSettings {
            account_code: self
                .needed_key("account_code", "the code of the revenue account, such as `\"200\"`"),
            date_order: self.date_order(),
            tax_types: self.tax_types("the tax rate's display name in Xero"),
            tracking_1: None,
            tracking_2: None,
            branding_theme: None,
            encoding: self.encoding,
        }
    }

    fn qbo(&self) -> QboSettings {
        QboSettings {
            item: self.needed_key("item", "the name of the product or service in QuickBooks"),
            date_order: self.date_order(),
            tax_types: self.tax_types("the tax code's name in QuickBooks"),
            terms: self.key("terms"),
            encoding: self.encoding,
        }
    }

    fn sage50(&self) -> Sage50Settings {
        Sage50Settings {
            account_code: self.needed_key("account_code", "the nominal account of sales, such as `\"4000\"`"),
            department: self.section.whole("department", 0..=DEPARTMENT_MAX).unwrap_or(0),
            tax_types: self.tax_types("the tax code in Sage 50, such as `T1`"),
            encoding: self.encoding,
        }
    }

    fn hledger(&self) -> HledgerSettings {
        let has_tax = self.plans.iter().any(|plan| plan.tax.is_some());
        let sides = [("left", CommoditySide::Left), ("right", CommoditySide::Right)];
        let commodity =
            self.section.needed_text("commodity", "its sign in the journal, such as `£` or `EUR`");
        if !commodity.is_empty() && !is_commodity(&commodity) {
            let expected = "letters or a currency's sign, which hledger reads without quotes";
            self.section.problem("commodity", format!("`{}`", commodity.escape_debug()), expected);
        }
        HledgerSettings {
            receivable_account: self.needed_account("receivable_account", "assets:receivable"),
            income_account: self.needed_account("income_account", "income:printing"),
            tax_account: match has_tax {
                true => Some(self.needed_account("tax_account", "liabilities:vat:output")),
                false => self.account("tax_account", "liabilities:vat:output"),
            },
            commodity,
            commodity_side: self
                .section
                .needed_choice("commodity_side", &sides)
                .unwrap_or(CommoditySide::Left),
        }
    }

    /// An account of a journal, which has to be given.
    fn needed_account(&self, key: &str, example: &str) -> String {
        if !self.section.has(key) {
            self.section.problem(key, "nothing", format!("an account, such as `{example}`"));
        }
        self.account(key, example).unwrap_or_default()
    }

    fn account(&self, key: &str, example: &str) -> Option<String> {
        let account = self.section.text(key)?;
        if !is_account(&account) {
            let expected = format!("an account that hledger reads as one, such as `{example}`");
            self.section.problem(key, format!("`{}`", account.escape_debug()), expected);
        }
        Some(account)
    }

    fn officernd(&self) -> OfficerndSettings {
        let modes = ["unit", "plan_default", "pence"].map(|word| (word, word));
        let mode = self.section.needed_choice("price_mode", &modes).unwrap_or("unit");
        let other = if mode == "plan_default" { "tax_types" } else { "plan_prices" };
        if self.section.has(other) {
            let found = format!("it with `price_mode = \"{mode}\"`");
            self.section.problem(other, found, "nothing: it would have no effect");
        }
        let plans = || self.tax_types("the OfficeRnD plan that carries this tax");
        OfficerndSettings {
            location: self.needed_key("location", "the name of the location in OfficeRnD"),
            date_order: self.date_order(),
            price_mode: match mode {
                "plan_default" => PriceMode::PlanDefault(self.plan_prices()),
                "pence" => PriceMode::Pence(plans()),
                _ => PriceMode::Unit(plans()),
            },
            encoding: self.encoding,
        }
    }

    /// OfficeRnD's plans with their prices, by which a line finds its plan.
    fn plan_prices(&self) -> BTreeMap<String, Money> {
        let prices = self.section.section("plan_prices");
        let mut plans: BTreeMap<String, Money> = BTreeMap::new();
        for plan in self.section.keys("plan_prices") {
            let Some(price) = prices.amount(&plan) else { continue };
            if let Some((other, _)) = plans.iter().find(|(_, known)| **known == price) {
                let found = format!("`{price}`, the price of `{other}`");
                prices.problem(&plan, found, "another price: a line finds its plan by the price");
            }
            plans.insert(plan, price);
        }
        if !self.section.has("plan_prices") {
            let expected = "OfficeRnD's plans and prices, such as `\"Mono page\" = \"0.08\"`";
            self.section.problem("plan_prices", "nothing", expected);
        }
        plans
    }

    /// `None` where the headings are not those of a template: nothing can be said of the rest then.
    fn quick_entries(&self) -> Option<QuickEntrySettings> {
        let expected =
            "the first line of the template for quick entries of sales, which Sage offers for download";
        let headings = Headings::parse(&self.section.needed_text("headings", expected));
        if let (Err(error), true) = (&headings, self.section.text("headings").is_some()) {
            self.section.problem("headings", error.found.clone(), error.expected.clone());
        }
        let expected = "the ledger account of sales, such as `\"4000\"`";
        let account_code = self.needed_key("account_code", expected);
        let is_digit = |sign: char| sign.is_ascii_digit();
        if account_code.chars().count() > LEDGER_DIGITS_MAX || !account_code.chars().all(is_digit) {
            let expected = format!("at most {LEDGER_DIGITS_MAX} digits");
            self.section.problem("account_code", format!("`{}`", account_code.escape_debug()), expected);
        }
        let headings = headings.ok();
        let tax_types = self.tax_types("the rate's name in Sage, such as `Standard`");
        if headings.as_ref().is_some_and(Headings::has_vat_rates) {
            let names = self.section.section("tax_types");
            for (tax, rate) in tax_types.iter().filter(|(_, rate)| !VAT_RATES.contains(&rate.as_str())) {
                names.problem(tax, format!("`{rate}`"), one_of(VAT_RATES.into_iter()));
            }
        }
        Some(QuickEntrySettings { headings: headings?, account_code, tax_types, encoding: self.encoding })
    }

    fn odoo(&self) -> OdooSettings {
        let roundings = [("line", TaxRounding::Line), ("document", TaxRounding::Document)];
        let external_ids: BTreeSet<String> = self.section.texts("external_ids").into_iter().collect();
        for column in external_ids.iter().filter(|column| !ODOO_ID_COLUMNS.contains(&column.as_str())) {
            self.section.problem("external_ids", format!("`{column}`"), one_of(ODOO_ID_COLUMNS.into_iter()));
        }
        OdooSettings {
            item: self.needed_key("item", "the product in Odoo"),
            account_code: self.needed_key("account_code", "the revenue account in Odoo"),
            tax_types: self.tax_types("the tax in Odoo"),
            tax_rounding: self.section.needed_choice("tax_rounding", &roundings).unwrap_or(TaxRounding::Line),
            external_ids,
            encoding: self.encoding,
        }
    }

    fn zoho(&self) -> ZohoSettings {
        ZohoSettings {
            item: self.needed_key("item", "the name of the item in Zoho Books"),
            account_code: self.needed_key("account_code", "the name of the revenue account in Zoho Books"),
            tax_types: self.tax_types("the tax's name in Zoho Books"),
            encoding: self.encoding,
        }
    }

    fn date_order(&self) -> DateOrder {
        let orders = [DateOrder::Ymd, DateOrder::Dmy, DateOrder::Mdy].map(|order| (order.as_str(), order));
        self.section.needed_choice("date_order", &orders).unwrap_or(DateOrder::Dmy)
    }

    /// A text that the receiver compares letter by letter.
    fn key(&self, key: &str) -> Option<String> {
        let text = self.section.code(key)?;
        if !is_plain(&text) {
            self.section.problem(key, format!("`{}`", text.escape_debug()), NOT_PLAIN);
        }
        Some(text)
    }

    /// Such a text, which has to be given; `expected` says what it is.
    fn needed_key(&self, key: &str, expected: &str) -> String {
        if !self.section.has(key) {
            self.section.problem(key, "nothing", expected);
        }
        self.key(key).unwrap_or_default()
    }

    /// The receiver's names of taxes; each tax that a plan uses needs one.
    fn tax_types(&self, expected: &str) -> BTreeMap<String, String> {
        let tax_types = self.section.map("tax_types");
        let names = self.section.section("tax_types");
        let is_known = |name: &str| name == NO_TAX || self.taxes.iter().any(|tax| tax.name == name);
        for name in tax_types.keys().filter(|name| !is_known(name)) {
            let known = self.taxes.iter().map(|tax| tax.name.as_str()).chain([NO_TAX]);
            names.problem(name, "no tax of that name", one_of(known));
        }
        for (name, text) in tax_types.iter().filter(|(_, text)| !is_plain(text)) {
            names.problem(name, format!("`{}`", text.escape_debug()), NOT_PLAIN);
        }
        let tax_of = |plan: &'_ Plan| plan.tax.as_ref().map_or(NO_TAX.to_owned(), |tax| tax.name.clone());
        let used: BTreeSet<String> = self.plans.iter().map(tax_of).collect();
        for name in used.iter().filter(|name| !names.has(name)) {
            names.problem(name, "nothing", format!("{expected}: a plan uses this tax"));
        }
        tax_types
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::{Config, ReceiverFormat};
    use crate::outputs::formats::PriceMode;

    const SPACE: &str = "[ledger]\npath = 'l'\n[output]\nfolder = 'o'\n[directory]\nmembers = 'm'\nteams = 't'\n\
        [[site]]\nname = 'a'\ntime_zone = 'UTC'\ncurrency = 'GBP'\n[[tax]]\nname = 'VAT'\npercent = 20\n\
        [[plan]]\nname = 'p'\nbasis = 'cost'\ntax = 'VAT'\n";

    fn load(receiver: &str) -> Result<ReceiverFormat, String> {
        let text = format!("{SPACE}[[receiver]]\nname = 'r'\n{receiver}");
        match Config::parse(Path::new("papertally.toml"), &text, &[]) {
            Ok(mut config) => Ok(config.receivers.remove(0).format),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn names_of_what_a_batch_hands_out_itself_are_taken() {
        let text = format!("{SPACE}[[receiver]]\nname = 'Statement'\nformat = 'csv'\n");
        let error = Config::parse(Path::new("papertally.toml"), &text, &[]).unwrap_err();
        insta::assert_snapshot!(
            error,
            @"`papertally.toml` has 1 problem: `receiver.Statement.name`: found `Statement`, expected another name: papertally hands out something of its own under this one"
        );
    }

    #[test]
    fn each_form_says_what_it_needs() {
        let missing = |format: &str| load(&format!("format = '{format}'\n")).unwrap_err();
        insta::assert_snapshot!(missing("qbo-invoice-csv"), @r#"
        `papertally.toml` has 3 problems:
          `receiver.r.date_order`: found nothing, expected `ymd`, `dmy` or `mdy`
          `receiver.r.item`: found nothing, expected the name of the product or service in QuickBooks
          `receiver.r.tax_types.VAT`: found nothing, expected the tax code's name in QuickBooks: a plan uses this tax
        "#);
        insta::assert_snapshot!(missing("sage50-audit-csv"), @r#"
        `papertally.toml` has 2 problems:
          `receiver.r.account_code`: found nothing, expected the nominal account of sales, such as `"4000"`
          `receiver.r.tax_types.VAT`: found nothing, expected the tax code in Sage 50, such as `T1`: a plan uses this tax
        "#);
        insta::assert_snapshot!(missing("hledger"), @r#"
        `papertally.toml` has 5 problems:
          `receiver.r.commodity`: found nothing, expected its sign in the journal, such as `£` or `EUR`
          `receiver.r.commodity_side`: found nothing, expected `left` or `right`
          `receiver.r.income_account`: found nothing, expected an account, such as `income:printing`
          `receiver.r.receivable_account`: found nothing, expected an account, such as `assets:receivable`
          `receiver.r.tax_account`: found nothing, expected an account, such as `liabilities:vat:output`
        "#);
        insta::assert_snapshot!(missing("officernd-fees-csv"), @r#"
        `papertally.toml` has 4 problems:
          `receiver.r.date_order`: found nothing, expected `ymd`, `dmy` or `mdy`
          `receiver.r.location`: found nothing, expected the name of the location in OfficeRnD
          `receiver.r.price_mode`: found nothing, expected `unit`, `plan_default` or `pence`
          `receiver.r.tax_types.VAT`: found nothing, expected the OfficeRnD plan that carries this tax: a plan uses this tax
        "#);
        insta::assert_snapshot!(missing("sage-quick-entries"), @r#"
        `papertally.toml` has 3 problems:
          `receiver.r.account_code`: found nothing, expected the ledger account of sales, such as `"4000"`
          `receiver.r.headings`: found nothing, expected the first line of the template for quick entries of sales, which Sage offers for download
          `receiver.r.tax_types.VAT`: found nothing, expected the rate's name in Sage, such as `Standard`: a plan uses this tax
        "#);
        insta::assert_snapshot!(missing("odoo-account-move-csv"), @r#"
        `papertally.toml` has 4 problems:
          `receiver.r.account_code`: found nothing, expected the revenue account in Odoo
          `receiver.r.item`: found nothing, expected the product in Odoo
          `receiver.r.tax_rounding`: found nothing, expected `line` or `document`
          `receiver.r.tax_types.VAT`: found nothing, expected the tax in Odoo: a plan uses this tax
        "#);
        insta::assert_snapshot!(missing("zoho-invoice-csv"), @r#"
        `papertally.toml` has 3 problems:
          `receiver.r.account_code`: found nothing, expected the name of the revenue account in Zoho Books
          `receiver.r.item`: found nothing, expected the name of the item in Zoho Books
          `receiver.r.tax_types.VAT`: found nothing, expected the tax's name in Zoho Books: a plan uses this tax
        "#);
    }

    #[test]
    fn what_a_form_cannot_take_is_told() {
        let wrong = |text: &str| load(text).unwrap_err();
        insta::assert_snapshot!(wrong(
            "format = 'sage50-audit-csv'\naccount_code = '=1'\ndepartment = 1000\nitem = 'x'\n\
             tax_types = { VAT = '@T1', GST = 'T2' }"
        ), @r#"
        `papertally.toml` has 5 problems:
          `receiver.r.account_code`: found `=1`, expected a text that does not start like a formula and has no line breaks
          `receiver.r.department`: found `1000`, expected a whole number from 0 to 999
          `receiver.r.item`: found it in a receiver of this format, expected nothing: it would have no effect
          `receiver.r.tax_types.GST`: found no tax of that name, expected `VAT` or `none`
          `receiver.r.tax_types.VAT`: found `@T1`, expected a text that does not start like a formula and has no line breaks
        "#);
        insta::assert_snapshot!(wrong(
            "format = 'hledger'\nreceivable_account = 'a  b'\nincome_account = '(i)'\ntax_account = 't:'\n\
             commodity = 'A4'\ncommodity_side = 'above'\nencoding = 'utf-8'"
        ), @r#"
        `papertally.toml` has 6 problems:
          `receiver.r.commodity`: found `A4`, expected letters or a currency's sign, which hledger reads without quotes
          `receiver.r.commodity_side`: found `above`, expected `left` or `right`
          `receiver.r.encoding`: found it in a receiver of this format, expected nothing: it would have no effect
          `receiver.r.income_account`: found `(i)`, expected an account that hledger reads as one, such as `income:printing`
          `receiver.r.receivable_account`: found `a  b`, expected an account that hledger reads as one, such as `assets:receivable`
          `receiver.r.tax_account`: found `t:`, expected an account that hledger reads as one, such as `liabilities:vat:output`
        "#);
        insta::assert_snapshot!(wrong(
            "format = 'officernd-fees-csv'\nlocation = 'l'\ndate_order = 'ymd'\nprice_mode = 'plan_default'\n\
             tax_types = { VAT = 'p' }\nplan_prices = { a = '0.08', b = '0.080', c = 'x' }"
        ), @r#"
        `papertally.toml` has 3 problems:
          `receiver.r.plan_prices.b`: found `0.08`, the price of `a`, expected another price: a line finds its plan by the price
          `receiver.r.plan_prices.c`: found `x`, expected a decimal number with a point, such as `"0.08"`
          `receiver.r.tax_types`: found it with `price_mode = "plan_default"`, expected nothing: it would have no effect
        "#);
        insta::assert_snapshot!(wrong(
            "format = 'sage-quick-entries'\naccount_code = '123456789'\nheadings = 'Type,Date'\n\
             tax_types = { VAT = 'Standard' }"
        ), @r#"
        `papertally.toml` has 2 problems:
          `receiver.r.account_code`: found `123456789`, expected at most 8 digits
          `receiver.r.headings`: found neither, expected one heading `VAT Rate` or `Tax Rate`
        "#);
        insta::assert_snapshot!(wrong(
            "format = 'sage-quick-entries'\naccount_code = '12345678'\n\
             headings = 'Type,Customer Reference,Date,Reference,Ledger Account,Net,VAT Rate,VAT,Total'\n\
             tax_types = { VAT = 'T1' }"
        ), @"`papertally.toml` has 1 problem: `receiver.r.tax_types.VAT`: found `T1`, expected `Standard`, `Zero Rated`, `Lower Rate`, `Exempt` or `No VAT`");
        insta::assert_snapshot!(wrong(
            "format = 'odoo-account-move-csv'\nitem = 'x'\naccount_code = 4\ntax_rounding = 'line'\n\
             external_ids = ['partner']\ntax_types = { VAT = 't' }"
        ), @"`papertally.toml` has 1 problem: `receiver.r.external_ids`: found `partner`, expected `partner_id`, `product_id`, `account_id` or `tax_ids`");
    }

    #[test]
    fn a_price_mode_has_what_it_needs_and_no_more() {
        let base = "format = 'officernd-fees-csv'\nlocation = 'l'\ndate_order = 'ymd'\n";
        let load = |text: &str| match load(&format!("{base}{text}")).unwrap() {
            ReceiverFormat::OfficerndFeesCsv(settings) => settings.price_mode,
            other => panic!("{other:?}"),
        };
        let plans = || [("VAT".to_owned(), "Print".to_owned())].into();
        assert_eq!(load("price_mode = 'unit'\ntax_types = { VAT = 'Print' }"), PriceMode::Unit(plans()));
        assert_eq!(load("price_mode = 'pence'\ntax_types = { VAT = 'Print' }"), PriceMode::Pence(plans()));
        let prices = [("Print".to_owned(), "0.08".parse().unwrap())].into();
        let mode = load("price_mode = 'plan_default'\nplan_prices = { Print = '0.08' }");
        assert_eq!(mode, PriceMode::PlanDefault(prices));
    }
}
