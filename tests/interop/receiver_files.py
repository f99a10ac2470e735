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


def main():
    with Sandbox() as box:
        box.config.write_text(box.config.read_text("utf-8") + RECEIVERS, "utf-8")
        box.run("run", exits=FINDINGS)
        lines = document((box.batch / f"{BATCH}-lines.json").read_text("utf-8"))["lines"]
        lines = [line for line in lines if Decimal(line["net"]) != 0]
        check_quickbooks(box, lines)
        print(f"{len(by_invoice(lines))} invoices: QuickBooks agrees with the JSON")


main()
