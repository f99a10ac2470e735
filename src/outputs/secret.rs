//! A text that never shows itself: a password or a token.

use std::fmt;

/// A password or token. `Debug` writes `***`, there is no `Display`, and only [`Secret::expose`] gives the text.
///
/// ```
/// use papertally::outputs::Secret;
/// assert_eq!(format!("{:?}", Secret::new("hunter2")), "***");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a text as a secret.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// The text itself, for the one call that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
