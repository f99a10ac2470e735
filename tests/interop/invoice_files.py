"""Reads the invoice files of the samples as a receiver would: Python's csv module and openpyxl.

Both have to show the same lines and sums as the JSON, without a cell that a spreadsheet would compute.
"""

import csv
import html.parser
import io
from decimal import Decimal

import openpyxl

from sandbox import BATCH, FINDINGS, Sandbox, document, equal, total, true

# What a spreadsheet takes for a formula or a command, unless the cell is a number.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
# Elements of HTML that have no end tag.
VOID = {"meta", "br", "img", "hr", "link", "input", "col"}


def is_number(text):
    try:
        Decimal(text)
    except ArithmeticError:
        return False
    return True


def read_csv(path):
    """The rows by header; each has as many cells as the header, and none is a formula."""
    data = path.read_bytes()
    text = data.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    header = rows[0]
    equal(len(set(header)), len(header), f"{path.name}: distinct column names")
    for number, row in enumerate(rows[1:], 2):
        equal(len(row), len(header), f"{path.name}: cells of row {number}")
        for name, cell in zip(header, row):
            harmless = not cell.startswith(FORMULA_STARTS) or is_number(cell)
            true(harmless, f"{path.name}: row {number}, column {name} is harmless in a spreadsheet")
    return [dict(zip(header, row)) for row in rows[1:]]


def cents(number):
    """A workbook's double as money. The file says at most 15 significant digits, so this is what a reader sees."""
    return Decimal(repr(number)).quantize(Decimal("0.0001"))


def sheet_rows(sheet):
    rows = list(sheet.iter_rows(values_only=True))
    return [dict(zip(rows[0], row)) for row in rows[1:]]


def check_plain(box, lines):
    rows = read_csv(box.batch / f"{BATCH}-lines.csv")
    equal(len(rows), len(lines), "rows of the plain CSV")
    for row, line in zip(rows, lines):
        for column, key in [("Line ID", "id"), ("Payer ID", "payer"), ("Payer", "payer_name"), ("Net", "net"),
                            ("Tax", "tax"), ("Gross", "gross"), ("Quantity", "quantity"), ("Unit Price", "unit_price")]:
            equal(row[column], line[key], f"plain CSV, {column} of {line['id']}")
        product = (Decimal(row["Quantity"]) * Decimal(row["Unit Price"])).quantize(Decimal("0.01"))
        equal(product, Decimal(row["Net"]), f"plain CSV, quantity times price of {line['id']}")


def check_xero(box, lines):
    rows = read_csv(box.batch / f"{BATCH}-xero.csv")
    charged = [line for line in lines if Decimal(line["net"]) != 0]
    equal(len(rows), len(charged), "rows of the Xero CSV")
    net = sum(Decimal(row["*Quantity"]) * Decimal(row["*UnitAmount"]) for row in rows)
    equal(net, total(lines, "net"), "net of the Xero CSV")
    for row in rows:
        for column in [name for name in row if name.startswith("*")]:
            true(row[column], f"Xero CSV: {column} is filled")
    invoices = {}
    for row in rows:
        head = (row["*ContactName"], row["*InvoiceDate"], row["*DueDate"], row["Currency"])
        equal(invoices.setdefault(row["*InvoiceNumber"], head), head, "lines of one Xero invoice agree")


def check_workbook(box, lines):
    book = openpyxl.load_workbook(box.batch / f"{BATCH}.xlsx")
    equal(book.sheetnames, ["Lines", "Detail", "Exceptions", "Proof"], "sheets")
    for sheet in book:
        for cell in (cell for row in sheet.iter_rows() for cell in row):
            true(cell.data_type != "f", f"{sheet.title}!{cell.coordinate} is no formula")
    *rows, last = sheet_rows(book["Lines"])
    charged = [line for line in lines if Decimal(line["net"]) != 0]
    equal([row["Line ID"] for row in rows if row["Net"]], [line["id"] for line in charged], "ids in the workbook")
    for column, key in [("Net", "net"), ("Tax", "tax"), ("Gross", "gross")]:
        for row in rows:
            true(isinstance(row[column], (int, float)), f"workbook: {column} is a number")
        equal(sum(cents(row[column]) for row in rows), total(lines, key), f"workbook, sum of {column}")
        equal(cents(last[column]), total(lines, key), f"workbook, its total of {column}")
    *detail, last = sheet_rows(book["Detail"])
    for column in ["Jobs", "Mono pages", "Colour pages", "PaperCut cost"]:
        equal(sum(cents(row[column]) for row in detail), cents(last[column]), f"workbook, detail's total of {column}")
    proof = {row["Where the money went"]: row["Amount"] for row in sheet_rows(book["Proof"])}
    equal(cents(proof["Billed before tax"]), total(lines, "net"), "workbook, proof's billed")
    equal(cents(proof["Difference"]), 0, "workbook, proof's difference")


class Balanced(html.parser.HTMLParser):
    """Reads a page as a browser would, and refuses elements that are left open."""

    def __init__(self):
        super().__init__()
        self.open = []
        self.outside = []

    def handle_starttag(self, tag, attributes):
        if tag not in VOID:
            self.open.append(tag)
        self.outside += [value for name, value in attributes if name in ("src", "href")]

    def handle_endtag(self, tag):
        equal(self.open.pop(), tag, "the element that ends")


def check_pages(box):
    pages = sorted(box.batch.rglob("*.html"))
    true(len(pages) > 10, "a report page and a statement for each payer")
    for page in pages:
        reader = Balanced()
        reader.feed(page.read_text("utf-8"))
        equal(reader.open, [], f"{page.name}: elements left open")
        equal(reader.outside, [], f"{page.name}: nothing is fetched from elsewhere")


def main():
    with Sandbox() as box:
        box.run("run", exits=FINDINGS)
        issued = document((box.batch / f"{BATCH}-lines.json").read_text("utf-8"))
        lines = issued["lines"]
        for key in ["net", "tax", "gross"]:
            equal(total(lines, key), Decimal(issued["batch"][key]), f"JSON, sum of {key}")
        check_plain(box, lines)
        check_xero(box, lines)
        check_workbook(box, lines)
        check_pages(box)
        print(f"{len(lines)} lines, net {issued['batch']['net']}: JSON, two CSV and the workbook agree")


main()
