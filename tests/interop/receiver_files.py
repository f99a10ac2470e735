"""Reads the files of each accounting and coworking system's form: with Python's csv module, and where there is one with a program
that is at home in the form.

The samples are billed once for all of them. Every file has to come to the sums of the JSON.
"""

import csv
import io
import os
import subprocess
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

[[receiver]]
name = "journal"
format = "hledger"
receivable_account = "assets:receivable"
income_account = "income:printing"
tax_account = "liabilities:vat:output"
commodity = "GBP"
commodity_side = "right"

[[receiver]]
name = "fees"
format = "officernd-fees-csv"
location = "Quay"
date_order = "ymd"
price_mode = "unit"
[receiver.tax_types]
"VAT 20%" = "Printing"

[[receiver]]
name = "sage"
format = "sage-quick-entries"
account_code = "4000"
headings = "Type,Customer Reference,Date,Customer Name,Reference,Ledger Account,Details,Net,VAT Rate,VAT,Total"
[receiver.tax_types]
"VAT 20%" = "Standard"

[[receiver]]
name = "odoo"
format = "odoo-account-move-csv"
item = "Printing"
account_code = "400000"
tax_rounding = "document"
[receiver.tax_types]
"VAT 20%" = "20% ST"

[[receiver]]
name = "zoho"
format = "zoho-invoice-csv"
item = "Printing"
account_code = "Sales"
[receiver.tax_types]
"VAT 20%" = "Standard Rate"
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


def check_hledger(box, lines):
    """Read by hledger from a journal whose own amounts have a comma: it must not take ours for thousands."""
    main = box.out / "main.journal"
    main.write_text(f"commodity 1.000,00 GBP\n\ninclude {BATCH}/{BATCH}-hledger.journal\n", "utf-8")

    def hledger(*arguments):
        command = ["hledger", "-f", str(main), *arguments]
        environment = {"LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]}
        return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout

    def balance(*query):
        rows = csv.reader(io.StringIO(hledger("balance", "--output-format=csv", "--commodity-style=GBP 1000.00", *query)))
        return {account: Decimal(amount.removeprefix("GBP ")) for account, amount in list(rows)[1:]}

    hledger("check", "ordereddates")
    invoices = by_invoice(lines)
    equal(len(hledger("codes").split()), len(invoices), "transactions of the journal")
    net, tax = (sum(sums) for sums in zip(*invoices.values()))
    found = balance("--depth=2")
    equal(found.pop("total"), Decimal(0), "hledger, the sum of all")
    expected = {"assets:receivable": net + tax, "income:printing": -net, "liabilities:vat": -tax}
    equal(found, expected, "hledger, balances")
    for number, sums in invoices.items():
        equal(balance(f"code:^{number}$", "assets")["total"], sum(sums), f"hledger, gross of {number}")
    for key in {line.split("key:")[1] for line in hledger("print").splitlines() if "key:" in line}:
        equal(len(hledger("codes", f"tag:key={key}").split()), 1, f"transactions of the key {key}")


def check_officernd(box, lines):
    rows = read_csv(box, "officernd")
    equal(len(rows), len(lines), "rows of the OfficeRnD CSV")
    for row, line in zip(rows, lines):
        equal(Decimal(row["Price"]) * Decimal(row["Quantity"]), Decimal(line["net"]), f"OfficeRnD, net of {line['id']}")
        true(row["Name"].endswith(f" [p:{line['id'][:8]}]"), f"OfficeRnD, tag of {line['id']}")
        kind, other = ("Company", "Member") if line["payer"].startswith("team:") else ("Member", "Company")
        equal((row[kind], row[other]), (line["payer_name"], ""), f"OfficeRnD, payer of {line['id']}")


def check_sage(box, lines):
    invoices = by_invoice(lines)
    rows = read_csv(box, "sage")
    equal([row["Reference"] for row in rows], list(invoices), "invoices of Sage's quick entries")
    for row in rows:
        net, tax, gross = (Decimal(row[column]) for column in ["Net", "VAT", "Total"])
        equal((net, tax), invoices[row["Reference"]], f"Sage, net and tax of {row['Reference']}")
        equal(net + tax, gross, f"Sage, total of {row['Reference']}")
        equal((row["Type"], row["VAT Rate"]), ("Invoice", "Standard"), "Sage, words")


def check_odoo(box, lines):
    rows = read_csv(box, "odoo")
    equal(len(rows), len(lines), "rows of the Odoo CSV")
    found, number = {}, None
    for row in rows:
        if row["id"]:
            number = row["ref"]
            true(number not in found and row["move_type"] == "out_invoice", f"Odoo, head of {number}")
        else:
            equal({row[column] for column in list(row)[:7]}, {""}, f"Odoo, a further row of {number}")
        product = Decimal(row["invoice_line_ids/quantity"]) * Decimal(row["invoice_line_ids/price_unit"])
        found[number] = found.get(number, Decimal(0)) + product
    equal(found, {number: net for number, (net, _) in by_invoice(lines).items()}, "Odoo, net of each invoice")


def check_zoho(box, lines):
    rows = read_csv(box, "zoho")
    equal(len(rows), len(lines), "rows of the Zoho CSV")
    for row, line in zip(rows, lines):
        equal(Decimal(row["Quantity"]) * Decimal(row["Item Price"]), Decimal(line["net"]), f"Zoho, net of {line['id']}")
        for column, key in [("Invoice Number", "invoice_number"), ("Item Tax %", "tax_rate"), ("Currency Code", "currency"),
                            ("Invoice Date", "invoice_date"), ("Due Date", "due_date"), ("Customer Name", "payer_name")]:
            equal(row[column], line[key], f"Zoho, {column} of {line['id']}")


def name_accounts(box):
    """Gives each payer the account references that have to be in the sheets."""
    for sheet in ["members.csv", "teams.csv"]:
        path = box.folder / sheet
        rows = list(csv.reader(io.StringIO(path.read_text("utf-8"), newline="")))
        for number, row in enumerate(rows):
            row += ["sage_account", "sage_customer"] if number == 0 else [f"A{row[0]}", f"C-{row[0]}"]
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
        check_hledger(box, lines)
        check_officernd(box, lines)
        check_sage(box, lines)
        check_odoo(box, lines)
        check_zoho(box, lines)
        print(f"{len(by_invoice(lines))} invoices: QuickBooks, Sage, hledger, OfficeRnD, Odoo and Zoho agree with the JSON")


main()
