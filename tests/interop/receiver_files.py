"""Reads the files of each accounting and coworking system's form: with Python's csv module, and where there is one with a program
that is at home in the form.

The samples are billed once for all of them. Every file has to come to the sums of the JSON.
"""

import csv
import io
from decimal import Decimal

from sandbox import BATCH, FINDINGS, Sandbox, document, equal, total, true

RECEIVERS = """
[[receiver]]
name = "quickbooks"
format = "qbo-invoice-csv"
item = "Printing"
date_order = "dmy"
[receiver.tax_types]
"VAT 20%" = "20.0% S"

[[receiver]]
name = "sage50"
format = "sage50-audit-csv"
account_code = "0400"
[receiver.tax_types]
"VAT 20%" = "T1"
"""


def read_csv(box, label):
    """The rows by header. Every line ends with CRLF, the last one too, and has as many cells as the header."""
    data = (box.batch / f"{BATCH}-{label}.csv").read_bytes()
    true(data.endswith(b"\r\n") and data.count(b"\n") == data.count(b"\r\n"), f"{label}: lines end with CRLF")
    rows = list(csv.reader(io.StringIO(data.decode("utf-8"), newline=""), strict=True))
    for number, row in enumerate(rows, 1):
        equal(len(row), len(rows[0]), f"{label}: cells of row {number}")
    return [dict(zip(rows[0], row)) for row in rows[1:]]


def by_invoice(lines):
    """Net and tax of each invoice, with the tax computed once for each rate on its sum."""
    invoices = {}
    for line in lines:
        rates = invoices.setdefault(line["invoice_number"], {})
        rate = Decimal(line["tax_rate"] or 0)
        rates[rate] = rates.get(rate, Decimal(0)) + Decimal(line["net"])
    cent = Decimal("0.01")
    return {
        number: (sum(rates.values()), sum((net * rate / 100).quantize(cent, "ROUND_HALF_UP") for rate, net in rates.items()))
        for number, rates in invoices.items()
    }


def check_quickbooks(box, lines):
    rows = read_csv(box, "qbo")
    equal(len(rows), len(lines), "rows of the QuickBooks CSV")
    equal(sum(Decimal(row["*ItemAmount"]) for row in rows), total(lines, "net"), "QuickBooks, net")
    for row in rows:
        for column in [name for name in row if name.startswith("*")]:
            true(row[column], f"QuickBooks: {column} is filled")
        equal(Decimal(row["ItemQuantity"]) * Decimal(row["ItemRate"]), Decimal(row["*ItemAmount"]), "QuickBooks, quantity times rate")


def check_sage50(box, lines):
    invoices = by_invoice(lines)
    rows = read_csv(box, "sage50")
    equal([row["Reference"] for row in rows], list(invoices), "invoices of the Sage 50 CSV")
    for row in rows:
        found = (Decimal(row["Net Amount"]), Decimal(row["Tax Amount"]))
        equal(found, invoices[row["Reference"]], f"Sage 50, net and tax of {row['Reference']}")
        equal((row["Type"], row["Nominal A/C Ref"], row["Tax Code"]), ("SI", "0400", "T1"), "Sage 50, codes")
        true(len(row["Account Reference"]) <= 8 and len(row["Details"]) <= 60, "Sage 50, lengths")


def name_accounts(box):
    """Gives each payer the account references that have to be in the sheets."""
    for sheet in ["members.csv", "teams.csv"]:
        path = box.folder / sheet
        rows = list(csv.reader(io.StringIO(path.read_text("utf-8"), newline="")))
        for number, row in enumerate(rows):
            row.append("sage_account" if number == 0 else f"A{row[0]}")
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)


def main():
    with Sandbox() as box:
        name_accounts(box)
        box.config.write_text(box.config.read_text("utf-8") + RECEIVERS, "utf-8")
        box.run("run", exits=FINDINGS)
        lines = document((box.batch / f"{BATCH}-lines.json").read_text("utf-8"))["lines"]
        lines = [line for line in lines if Decimal(line["net"]) != 0]
        check_quickbooks(box, lines)
        check_sage50(box, lines)
        print(f"{len(by_invoice(lines))} invoices: QuickBooks and Sage 50 agree with the JSON")


main()
