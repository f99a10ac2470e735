//! When two written names are one user, account or person.
//!
//! Letter case, Unicode form and white space do not make another name; accents, punctuation and domains do.
//! What merely looks alike is for a finding, never for a merge.

use std::collections::HashSet;

use unicode_normalization::UnicodeNormalization;

/// The form in which names are compared: canonical normalisation, full case folding, white space trimmed,
/// runs of it made one blank, and none of it after a comma (`Berg, Nina` is `BERG,NINA`).
///
/// ```
/// use papertally::domain::fold_name;
/// assert_eq!(fold_name(" Berg,  Nina"), fold_name("BERG,NINA"));
/// assert_eq!(fold_name("MU\u{308}LLER"), fold_name("müller"));
/// assert_ne!(fold_name("müller"), fold_name("muller"));
/// assert_ne!(fold_name("NORTH\\e.sand"), fold_name("SOUTH\\e.sand"));
/// ```
pub fn fold_name(name: &str) -> String {
    if is_plain(name) {
        return name.to_ascii_lowercase();
    }
    let folded = caseless::default_case_fold_str(&name.nfd().collect::<String>());
    let mut text = String::with_capacity(folded.len());
    for word in folded.nfc().collect::<String>().split_whitespace() {
        if !text.is_empty() && !text.ends_with(',') {
            text.push(' ');
        }
        text.push_str(word);
    }
    text
}

/// ASCII whose only white space is single blanks inside, and not after a comma: nearly every name there is.
fn is_plain(name: &str) -> bool {
    let mut before = b' ';
    for byte in name.bytes() {
        let blank = byte.is_ascii_whitespace() || byte == 0x0b;
        if !byte.is_ascii() || (blank && (byte != b' ' || before == b' ' || before == b',')) {
            return false;
        }
        before = byte;
    }
    name.is_empty() || before != b' '
}

/// Whether a folded account is one of some folded names, or a sub-account of one.
///
/// ```
/// use papertally::domain::{fold_name, is_within};
/// let names = [fold_name("Front Desk")].into();
/// assert!(is_within(&fold_name("front desk\\Flyers"), &names));
/// assert!(!is_within(&fold_name("Front Desk 2"), &names));
/// ```
pub fn is_within(account: &str, names: &HashSet<String>) -> bool {
    let ends = account.match_indices('\\').map(|(end, _)| end).chain([account.len()]);
    !names.is_empty() && ends.into_iter().any(|end| names.contains(&account[..end]))
}

/// The name without its domain: what follows the last `\`, before the first `@`. For findings only, since two
/// domains may have two people of one name.
///
/// ```
/// use papertally::domain::short_name;
/// assert_eq!(short_name("NORTH\\e.sand"), "e.sand");
/// assert_eq!(short_name("e.sand@north.example"), "e.sand");
/// ```
pub fn short_name(name: &str) -> &str {
    let after = name.rsplit('\\').next().unwrap_or(name);
    after.split('@').next().unwrap_or(after)
}

/// A looser form for findings only: letters and digits without case, accents, blanks and punctuation.
///
/// ```
/// use papertally::domain::resemblance;
/// assert_eq!(resemblance("O'Dea"), resemblance("ODEA"));
/// ```
pub fn resemblance(name: &str) -> String {
    let unaccented = name.nfd().filter(|letter| letter.is_alphanumeric()).collect::<String>();
    caseless::default_case_fold_str(&unaccented)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(name in "\\PC{0,12}") {
            let once = fold_name(&name);
            prop_assert_eq!(fold_name(&once), once);
        }

        #[test]
        fn the_short_way_gives_what_the_long_way_gives(name in "[ -~]{0,12}") {
            let long: String = {
                let folded = caseless::default_case_fold_str(&name);
                let mut text = String::new();
                for word in folded.split_whitespace() {
                    if !text.is_empty() && !text.ends_with(',') { text.push(' '); }
                    text.push_str(word);
                }
                text
            };
            prop_assert_eq!(fold_name(&name), long);
        }
    }
}
