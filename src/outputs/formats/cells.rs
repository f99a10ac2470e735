//! What a text may be in a cell: harmless where it is free text, and exactly itself where it is a key.
//!
//! A spreadsheet runs a cell that starts with `=`, `+`, `-`, `@`, a tab or a carriage return as a formula
//! (CWE-1236, OWASP). Free text then gets an apostrophe before it. A key (a contact, a code) is compared by
//! the receiving system letter by letter, so it is never changed: who writes it has to refuse or hold it.
//! Amounts are neither; a negative amount stays a number.

/// Free text: control characters become blanks, and what would start a formula gets an apostrophe.
pub(super) fn free_text(text: &str) -> String {
    let plain: String = text.chars().map(|sign| if is_break(sign) { ' ' } else { sign }).collect();
    if starts_formula(&plain) { format!("'{plain}") } else { plain }
}

/// Whether a text can stand in a key cell as it is.
pub(super) fn is_safe_key(text: &str) -> bool {
    !starts_formula(text) && !text.contains(is_break)
}

/// Control characters and the Unicode line and paragraph separators.
fn is_break(sign: char) -> bool {
    sign.is_control() || matches!(sign, '\u{2028}' | '\u{2029}')
}

/// Blanks before the sign are looked through, and the full-width forms count: some programs do the same.
fn starts_formula(text: &str) -> bool {
    text.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_text_is_harmless_and_otherwise_unchanged() {
        let check = |text: &str, expected: &str| assert_eq!(free_text(text), expected);
        check("Print 2026-03: 14 pages", "Print 2026-03: 14 pages");
        check("=1+1", "'=1+1");
        check("+44 20", "'+44 20");
        check("-5", "'-5");
        check("@SUM(A1)", "'@SUM(A1)");
        check("\t=1", "' =1");
        check("\r\n@x", "'  @x");
        check("＝1", "'＝1");
        check("two\nlines\0end", "two lines end");
        check("a\u{2028}b", "a b");
        check("a = b", "a = b");
        check("", "");
    }

    #[test]
    fn keys_are_taken_or_refused_never_changed() {
        for good in ["Kestrel & Lark, Ltd", "200", "20% (VAT on Income)", "a=b", ""] {
            assert!(is_safe_key(good), "{good}");
        }
        for bad in ["=x", "+x", "-x", "@home", " =x", "two\nlines", "tab\tbed", "＠x"] {
            assert!(!is_safe_key(bad), "{bad}");
        }
    }
}
