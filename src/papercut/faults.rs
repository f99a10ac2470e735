//! Faults: what the server says of a call that it refused.
//!
//! By code where there is one (PaperCut 19.2 and later), else by the texts that are known; others are shown as they
//! came. Codes and texts: PaperCut's published list of web-service error codes, and its examples.

/// A fault as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// `faultCode`; servers before 19.2 send none that means anything.
    pub code: Option<i32>,
    /// `faultString`, as it came.
    pub text: String,
}

/// What a fault means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// This machine's address is not on the server's list.
    AddressNotAllowed,
    /// The token is not the server's.
    WrongToken,
    /// No such method with these arguments: an old server, or a fault of papertally.
    NoSuchMethod,
    /// No such user.
    UserUnknown,
    /// No such shared account.
    AccountUnknown,
    /// No such group.
    GroupUnknown,
    /// The user has several personal accounts, and none was named.
    SeveralPersonalAccounts,
    /// The amount is not one that the server takes.
    AmountRefused,
    /// A name that has to be given is blank, or a property is none.
    ArgumentRefused,
    /// Something else; the text says it.
    Other,
}

impl Fault {
    /// What it means.
    pub fn kind(&self) -> FaultKind {
        let text = self.text.to_lowercase();
        let has = |part: &str| text.contains(part);
        match self.code {
            Some(262) => return FaultKind::UserUnknown,
            Some(263) => return FaultKind::GroupUnknown,
            Some(274) => return FaultKind::SeveralPersonalAccounts,
            Some(264 | 275) => return FaultKind::AmountRefused,
            Some(258..=261 | 267..=269 | 276..=281) => return FaultKind::ArgumentRefused,
            _ => {}
        }
        if has("ip address is not allowed") {
            FaultKind::AddressNotAllowed
        } else if has("nosuchmethodexception") || has("no such handler") {
            FaultKind::NoSuchMethod
        } else if has("access denied") || has("authentication token") || has("auth token") {
            FaultKind::WrongToken
        } else if has("multiple-personal-accounts") {
            FaultKind::SeveralPersonalAccounts
        } else if has("account") && is_missing(&text) {
            FaultKind::AccountUnknown
        } else if has("user") && is_missing(&text) {
            FaultKind::UserUnknown
        } else {
            FaultKind::Other
        }
    }

    /// Whether a server that answers so has surely not acted on the call. A code of PaperCut's list says so, and so does
    /// who was turned away at the door; any other text may come after the deed, whatever its words.
    pub fn is_before_the_deed(&self) -> bool {
        matches!(self.kind(), FaultKind::AddressNotAllowed | FaultKind::NoSuchMethod)
            || matches!(self.code, Some(258..=264 | 267..=281))
    }
}

fn is_missing(text: &str) -> bool {
    ["cannot be found", "could not be found", "not found", "does not exist"]
        .iter()
        .any(|part| text.contains(part))
}

impl FaultKind {
    /// What to do about it; empty where only the text can say.
    pub const fn advice(self) -> &'static str {
        match self {
            FaultKind::AddressNotAllowed => {
                "add this machine's address to the server's configuration key `auth.webservices.allowed-addresses`"
            }
            FaultKind::WrongToken => {
                "compare the token with the server's configuration key `auth.webservices.auth-token`"
            }
            FaultKind::NoSuchMethod => {
                "the server knows no such call with these arguments: it is older than papertally needs for this"
            }
            FaultKind::UserUnknown => "the user was deleted or renamed on the server",
            FaultKind::AccountUnknown => {
                "no account of that name is on the server: it was deleted or renamed, or `personal_account` is none of the user's"
            }
            FaultKind::GroupUnknown => "the group was deleted or renamed on the server",
            FaultKind::SeveralPersonalAccounts => {
                "users have several personal accounts: name the one that is meant in `site.papercut.personal_account`"
            }
            FaultKind::AmountRefused => "the server refuses the amount",
            FaultKind::ArgumentRefused => "the server refuses a name or property",
            FaultKind::Other => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_go_before_texts_and_texts_are_known_too() {
        let check = |code: Option<i32>, text: &str, expected: FaultKind| {
            assert_eq!(Fault { code, text: text.to_owned() }.kind(), expected, "{code:?} {text}");
        };
        check(Some(262), "java.lang.Exception: 12.00", FaultKind::UserUnknown);
        check(
            Some(0),
            "Access denied. Your IP address is not allowed to access the Web Services API.",
            FaultKind::AddressNotAllowed,
        );
        let missing = "java.lang.NoSuchMethodException: biz.papercut.pcng.webservices.xmlrpc.ApiRPCHandler.x(java.lang.Integer)";
        check(Some(-1), missing, FaultKind::NoSuchMethod);
        check(Some(0), "Access denied. Invalid auth token.", FaultKind::WrongToken);
        check(None, "User \"ann\" cannot be found", FaultKind::UserUnknown);
        check(Some(257), "Shared account \"Acme\" does not exist", FaultKind::AccountUnknown);
        check(Some(274), "x", FaultKind::SeveralPersonalAccounts);
        check(Some(275), "12.00", FaultKind::AmountRefused);
        check(Some(257), "Unknown error occurred", FaultKind::Other);
    }

    #[test]
    fn only_what_is_known_to_come_first_was_surely_not_done() {
        let check = |code: Option<i32>, text: &str, expected: bool| {
            assert_eq!(
                Fault { code, text: text.to_owned() }.is_before_the_deed(),
                expected,
                "{code:?} {text}"
            );
        };
        check(Some(262), "x", true);
        check(Some(275), "x", true);
        check(Some(0), "Access denied. Your IP address is not allowed to access the Web Services API.", true);
        check(Some(-1), "java.lang.NoSuchMethodException: x", true);
        check(Some(257), "An unknown error occurred while writing the account transaction", false);
        check(Some(257), "SQLException: Unexpected token near account", false);
        check(Some(0), "Invalid authentication token supplied.", false);
        check(None, "User \"ann\" cannot be found", false);
    }
}
