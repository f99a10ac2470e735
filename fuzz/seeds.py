"""Fills corpus/<target>/ with inputs made from tests/cases and sample-reports; a file's content decides where it goes.

Workbooks are unpacked into the parts that their target puts together again. The binary workbook is made up here,
because no program at hand writes one.
"""

import gzip
import hashlib
import io
import struct
import zipfile
import zlib
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
SEPARATOR = b"\xff\xfepart\xfe\xff"
# Nothing set; day first, decimal point, a currency and a period; month first and decimal comma.
SETTINGS = [b"\x00\x00", b"\x06\x50", b"\x0b\x20"]
COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def keep(target: str, data: bytes) -> None:
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha1(data).hexdigest()).write_bytes(data)


def keep_report(target: str, data: bytes) -> None:
    for settings in SETTINGS:
        keep(target, settings + data)


def stream_of(data: bytes) -> bytes:
    """The stream `Workbook` or `Book` of a compound file: sector chains as far as small files need them."""
    shift, small_shift = struct.unpack_from("<HH", data, 30)
    first_folder, = struct.unpack_from("<I", data, 48)
    cutoff, first_small = struct.unpack_from("<II", data, 56)
    size = 1 << shift

    def sector(number: int) -> bytes:
        return data[(number + 1) * size : (number + 2) * size]

    def follow(first: int, table: list[int]) -> list[int]:
        chain = []
        while first < len(table) and first not in chain:
            chain.append(first)
            first = table[first]
        return chain

    def numbers(raw: bytes) -> list[int]:
        return list(struct.unpack(f"<{len(raw) // 4}I", raw))

    table = [n for at in numbers(data[76:512]) if at < 0xFFFFFFFA for n in numbers(sector(at))]
    read = lambda first: b"".join(sector(at) for at in follow(first, table))
    folder = read(first_folder)
    entries = [folder[at : at + 128] for at in range(0, len(folder), 128)]
    small = read(struct.unpack_from("<I", entries[0], 116)[0])
    small_table = numbers(read(first_small))
    for entry in entries:
        name = entry[: max(struct.unpack_from("<H", entry, 64)[0] - 2, 0)].decode("utf-16-le")
        first, length = struct.unpack_from("<II", entry, 116)
        if name in ("Workbook", "Book"):
            if length >= cutoff:
                return read(first)[:length]
            step = 1 << small_shift
            return b"".join(small[at * step : (at + 1) * step] for at in follow(first, small_table))[:length]
    return b""


def joined(archive: zipfile.ZipFile, names: list[str]) -> bytes:
    parts = [archive.read(name) if name in archive.namelist() else b"" for name in names]
    return SEPARATOR.join(parts)


def keep_zip(data: bytes) -> None:
    archive = zipfile.ZipFile(io.BytesIO(data))
    names = archive.namelist()
    if "xl/workbook.xml" in names:
        sheet, other = "xl/worksheets/sheet1.xml", "xl/worksheets/sheet2.xml"
        whole = [sheet, "xl/sharedStrings.xml", "xl/styles.xml", other, "xl/workbook.xml", "xl/_rels/workbook.xml.rels"]
        keep_report("xlsx", joined(archive, whole))
        keep_report("xlsx", joined(archive, whole[:3]))
    elif "content.xml" in names:
        keep_report("ods", joined(archive, ["content.xml", "META-INF/manifest.xml"]))
    else:
        keep("archive", data)
        parts = [part for name in names for part in (name.encode(), archive.read(name))]
        keep("archive", b"z" + SEPARATOR.join(parts))


def keep_file(data: bytes) -> None:
    if data.startswith(b"PK"):
        try:
            keep_zip(data)
        except (zipfile.BadZipFile, zlib.error):
            keep("archive", data)
    elif data.startswith(COMPOUND):
        keep_report("xls", data)
        try:
            keep_report("xls", stream_of(data))
        except (IndexError, struct.error):
            # A damaged file has no stream to show, and is an input as it is.
            pass
    elif data.startswith(b"\x1f\x8b"):
        keep("archive", data)
        try:
            keep("archive", b"g" + gzip.decompress(data))
        except (EOFError, OSError):
            pass
    elif data.lstrip().startswith(b"<"):
        keep_report("page", data)
    else:
        keep_report("text", data)
        keep("archive", b"zreport.csv" + SEPARATOR + data)


def record(kind: int, body: bytes = b"") -> bytes:
    head = b""
    for value in (kind, len(body)):
        while value > 0x7F:
            head += bytes([value & 0x7F | 0x80])
            value >>= 7
        head += bytes([value])
    return head + body


def wide(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def binary_workbook() -> None:
    """A sheet of three rows: a header of shared texts, then a text, numbers in both forms, a truth and an error."""
    texts = ["Date", "Username", "Document", "Total Printed Pages", "Cost", "ines", "plan.pdf"]

    def row(number: int, cells: list[tuple[int, bytes]]) -> bytes:
        body = record(0x00, struct.pack("<IIHBBBI", number, 0, 300, 0, 0, 0, 0))
        return body + b"".join(
            record(kind, struct.pack("<II", column, style) + value)
            for column, (kind, style, value) in enumerate(cells)
        )

    shared = lambda at: (0x07, 0, struct.pack("<I", at))
    real = lambda number, style=0: (0x05, style, struct.pack("<d", number))
    whole = lambda number, style=0: (0x02, style, struct.pack("<i", number << 2 | 2))
    rows = row(0, [shared(at) for at in range(5)])
    rows += row(1, [real(45537.375, 1), shared(5), shared(6), whole(3), real(0.3)])
    rows += row(2, [whole(45537, 1), (0x06, 0, wide("omar")), shared(6), (0x04, 0, b"\1"), (0x03, 0, b"\x07")])
    rows += row(3, [(0x06, 0, wide("2024-09-02 10:00")), shared(5), (0x08, 0, wide("x")), real(2), (0x09, 0, struct.pack("<dHI", 1.5, 0, 0))])
    merge = record(0xB1, struct.pack("<I", 1)) + record(0xB0, struct.pack("<IIII", 1, 1, 1, 2)) + record(0xB2)
    sheet = record(0x81) + record(0x94, struct.pack("<IIII", 0, 3, 0, 4)) + record(0x91) + rows + record(0x92)
    strings = record(0x9F, struct.pack("<II", 7, 7))
    strings += b"".join(record(0x13, b"\0" + wide(text)) for text in texts) + record(0xA0)
    styles = record(0x0267, struct.pack("<I", 1)) + record(0x2C, struct.pack("<H", 164) + wide("yyyy-mm-dd hh:mm"))
    styles += record(0x0268) + record(0x0269, struct.pack("<I", 2))
    styles += record(0x2F, struct.pack("<HH", 0, 0) + bytes(12)) + record(0x2F, struct.pack("<HH", 0, 164) + bytes(12))
    styles += record(0x026A)
    bundle = struct.pack("<II", 0, 1) + wide("rId1") + wide("Log")
    book = record(0x83) + record(0x99, bytes(12)) + record(0x8F) + record(0x9C, bundle) + record(0x90)
    book += record(0x9D, bytes(4)) + record(0x84)
    for parts in ([sheet, strings, styles], [sheet + merge, strings, styles, book], [sheet, strings]):
        keep_report("xlsb", SEPARATOR.join(parts))


def directories() -> None:
    names = ["members.csv", "teams.csv", "accounts.csv"]
    for members in ROOT.glob("**/members.csv"):
        files = [members.with_name(name) for name in names]
        parts = [file.read_bytes() if file.exists() else b"" for file in files]
        keep("directory", b"\x00" + SEPARATOR.join(parts[:2]))
        keep("directory", b"\x01" + SEPARATOR.join(parts))
        # The same members as a workbook of texts.
        rows = "".join(
            "<row>" + "".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in line.split(",")) + "</row>"
            for line in parts[0].decode().replace("&", "&amp;").splitlines()
        )
        main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
        sheet = f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>'
        keep("directory", b"\x03" + SEPARATOR.join([sheet.encode(), *parts[1:]]))


def configurations() -> None:
    for pattern in ("sample-reports/*.toml", "tests/cmd/**/*.toml", "src/config/**/*.toml", "templates/*.toml"):
        for path in ROOT.glob(pattern):
            keep("config", path.read_bytes())
            keep("config", path.read_bytes() + SEPARATOR + b"site.main.quiet_seconds=5\nledger.path='x'\n")


def answers() -> None:
    for path in sorted((ROOT / "tests/cases").glob("*/*.xml")):
        keep("answer", path.read_bytes())


def mapped() -> None:
    """Reports by the layouts of `layouts` in `src/lib.rs`."""
    texts = [
        "Kasse 3\nArt;Konto;Wann;Bon;Betrag\nKOP;Labs;05.03.24 09h15;77;-0,30\nX;Labs;06.03.24 10h00;80;0\n",
        "LABS|2024-03-05|9:15:00 PM|ann|x|2|0.30|a \"b\".pdf|more\nann|2024-03-05|9:16:00 PM|ann|x|1|0.10|top up\n",
        "ann;2;0,30\nbo;1;1.250,00\n",
    ]
    for text in texts:
        for settings in (b"\x00\x80", b"\x06\xd0", b"\x0b\xac"):
            keep("text", settings + text.encode())


def main() -> None:
    for folder in ("tests/cases", "sample-reports"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and path.suffix not in (".md", ".toml", ".py"):
                keep_file(path.read_bytes())
    binary_workbook()
    mapped()
    directories()
    configurations()
    answers()
    for folder in sorted((HERE / "corpus").iterdir()):
        sizes = [path.stat().st_size for path in folder.iterdir()]
        print(f"{folder.name}: {len(sizes)} inputs, the largest of {max(sizes)} bytes")


if __name__ == "__main__":
    main()
