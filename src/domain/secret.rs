//! A password or token that no debug output shows.

use std::fmt;

/// A secret text. It can be used, but neither printed nor compared by accident.
///
/// ```
/// use papertally::domain::Secret;
/// let token = Secret::new("open sesame");
/// assert_eq!(format!("{token:?}"), "***");
/// assert_eq!(token.expose(), "open sesame");
/// ```
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Takes a text as a secret.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// The text itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
