//! XML-RPC: a call to bytes, an answer from bytes. Pure.
//!
//! A codec of our own on an XML library, since the crate that was tried (`dxr` 0.9) reads a fault's members by their
//! position and refuses PaperCut's order. What PaperCut sends, by its published samples and its clients: untyped
//! strings, doubles with an exponent, empty and self-closing lists, faults whose members stand in either order.
//! Amounts stay decimal texts: no floating-point value is computed with here.

use std::borrow::Cow;
use std::collections::BTreeMap;

use encoding_rs::{Encoding, UTF_8};
use roxmltree::{Document, Node, ParsingOptions};

use super::faults::Fault;
use crate::domain::Money;

/// The largest answer, in bytes: a page of a thousand names is 100 kB; a server that sends more is none of PaperCut's.
pub const ANSWER_SIZE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// XML nodes of an answer: a page of names has about five for each.
const NODES_MAX: u32 = 2_000_000;

/// Depth of an answer's values: PaperCut's deepest is a struct in a list.
const DEPTH_MAX: u32 = 16;

/// A value on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A text, with or without `<string>` around it.
    Text(String),
    /// `<int>` or `<i4>`.
    Int(i32),
    /// `<boolean>`.
    Flag(bool),
    /// `<double>`: an amount. A server's binary noise beyond the sixth decimal is rounded away.
    Double(Money),
    /// `<array>`.
    List(Vec<Value>),
    /// `<struct>`.
    Struct(BTreeMap<String, Value>),
    /// `<nil/>`, with any prefix: never sent, only understood.
    Nil,
}

impl Value {
    /// What it is, for messages.
    pub const fn kind(&self) -> &'static str {
        match self {
            Value::Text(_) => "a text",
            Value::Int(_) => "a whole number",
            Value::Flag(_) => "a yes or no",
            Value::Double(_) => "an amount",
            Value::List(_) => "a list",
            Value::Struct(_) => "a structure",
            Value::Nil => "nil",
        }
    }
}

/// Why an answer could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// An HTML page, as a server that starts, a proxy or a wrong address shows it.
    #[error("found an HTML page, expected XML")]
    Html,
    /// Bytes that are no text in the encoding that the answer names.
    #[error("found bytes that are not {0}, expected text in it")]
    Encoding(&'static str),
    /// A document type: PaperCut never sends one, and entities may grow without limit.
    #[error("found XML with a document type (DTD), expected none")]
    DocumentType,
    /// Not XML, or not well formed.
    #[error("found XML that is not well formed: {0}")]
    Xml(String),
    /// XML, but no answer to a call.
    #[error("found {found}, expected {expected}")]
    Shape {
        /// What stands there.
        found: String,
        /// What should.
        expected: &'static str,
    },
}

/// The body of a call.
pub fn encode(method: &str, parameters: &[Value]) -> String {
    let mut body = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<methodCall><methodName>");
    body.push_str(&escaped(method));
    body.push_str("</methodName><params>");
    for parameter in parameters {
        body.push_str("<param>");
        encode_value(parameter, &mut body);
        body.push_str("</param>");
    }
    body.push_str("</params></methodCall>");
    body
}

fn encode_value(value: &Value, body: &mut String) {
    let tagged = |tag: &str, text: &str| format!("<{tag}>{text}</{tag}>");
    body.push_str("<value>");
    match value {
        Value::Text(text) => body.push_str(&tagged("string", &escaped(text))),
        Value::Int(number) => body.push_str(&tagged("int", &number.to_string())),
        Value::Flag(flag) => body.push_str(&tagged("boolean", if *flag { "1" } else { "0" })),
        // At least one decimal: a whole amount is a double too.
        Value::Double(amount) => body.push_str(&tagged("double", &amount.to_text(1))),
        Value::List(values) => {
            body.push_str("<array><data>");
            values.iter().for_each(|value| encode_value(value, body));
            body.push_str("</data></array>");
        }
        Value::Struct(members) => {
            body.push_str("<struct>");
            for (name, value) in members {
                body.push_str(&format!("<member><name>{}</name>", escaped(name)));
                encode_value(value, body);
                body.push_str("</member>");
            }
            body.push_str("</struct>");
        }
        // PaperCut refuses nil: an absent text is an empty one.
        Value::Nil => body.push_str("<string></string>"),
    }
    body.push_str("</value>");
}

/// Text as XML has it; what XML 1.0 cannot hold becomes U+FFFD.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // A bare one would be read as a line feed.
            '\r' => out.push_str("&#13;"),
            '\t' | '\n' => out.push(letter),
            letter if letter < ' ' || matches!(letter, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            letter => out.push(letter),
        }
    }
    out
}

/// What a server answered: a value, or its fault.
///
/// `charset` is the one of the HTTP header, which holds where the XML names none.
pub fn decode(bytes: &[u8], charset: Option<&str>) -> Result<Result<Value, Fault>, AnswerError> {
    let text = text_of(bytes, charset)?;
    let text = text.trim_start();
    if is_html(text) {
        return Err(AnswerError::Html);
    }
    let options = ParsingOptions { nodes_limit: NODES_MAX, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|error| match error {
        roxmltree::Error::DtdDetected => AnswerError::DocumentType,
        other => AnswerError::Xml(other.to_string()),
    })?;
    let answer = document.root_element();
    if answer.tag_name().name() != "methodResponse" {
        return Err(shape(answer, "`methodResponse`"));
    }
    let part = only_child(answer, "`params` or `fault`")?;
    match part.tag_name().name() {
        "params" => {
            let parameter = only_child(part, "one `param`")?;
            Ok(Ok(value_of(only_child(parameter, "one `value`")?, 0)?))
        }
        "fault" => Ok(Err(fault_of(value_of(only_child(part, "one `value`")?, 0)?))),
        _ => Err(shape(part, "`params` or `fault`")),
    }
}

/// The text of an answer: by its byte-order mark, its XML declaration, the HTTP header, else UTF-8.
fn text_of<'b>(bytes: &'b [u8], charset: Option<&str>) -> Result<Cow<'b, str>, AnswerError> {
    let head = String::from_utf8_lossy(bytes.get(..bytes.len().min(200)).unwrap_or_default());
    let declared = head.split_once("encoding=").and_then(|(before, after)| {
        let quote = after.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        let name = after[1..].split(quote).next()?;
        (before.starts_with("<?xml") && !before.contains('>')).then_some(name)
    });
    let named = declared.or(charset).and_then(|name| Encoding::for_label(name.as_bytes()));
    let (encoding, skipped) = match Encoding::for_bom(bytes) {
        Some((encoding, length)) => (encoding, length),
        None => (named.unwrap_or(UTF_8), 0),
    };
    let bytes = bytes.get(skipped..).unwrap_or_default();
    encoding
        .decode_without_bom_handling_and_without_replacement(bytes)
        .ok_or(AnswerError::Encoding(encoding.name()))
}

fn is_html(text: &str) -> bool {
    let head: String = text.chars().take(200).collect::<String>().to_ascii_lowercase();
    head.starts_with("<!doctype html") || head.starts_with("<html") || head.contains("<html")
}

fn shape(node: Node<'_, '_>, expected: &'static str) -> AnswerError {
    AnswerError::Shape { found: format!("`{}`", node.tag_name().name()), expected }
}

fn only_child<'d>(node: Node<'d, 'd>, expected: &'static str) -> Result<Node<'d, 'd>, AnswerError> {
    let mut children = node.children().filter(Node::is_element);
    match (children.next(), children.next()) {
        (Some(child), None) => Ok(child),
        (None, _) => {
            Err(AnswerError::Shape { found: format!("an empty `{}`", node.tag_name().name()), expected })
        }
        (Some(_), Some(second)) => Err(shape(second, expected)),
    }
}

/// The value of a `<value>`; its type is the name of the element in it, and text alone is a string.
fn value_of(node: Node<'_, '_>, depth: u32) -> Result<Value, AnswerError> {
    if depth > DEPTH_MAX {
        return Err(AnswerError::Shape { found: format!("values {DEPTH_MAX} deep"), expected: "fewer" });
    }
    if node.tag_name().name() != "value" {
        return Err(shape(node, "`value`"));
    }
    let Some(typed) = node.children().find(Node::is_element) else {
        return Ok(Value::Text(text_in(node)));
    };
    let text = text_in(typed);
    let unreadable = |expected| AnswerError::Shape { found: format!("`{}`", shortened(&text)), expected };
    match typed.tag_name().name() {
        "string" => Ok(Value::Text(text)),
        "int" | "i4" | "i8" => text.trim().parse().map(Value::Int).map_err(|_| unreadable("a whole number")),
        "boolean" => match text.trim() {
            "1" | "true" => Ok(Value::Flag(true)),
            "0" | "false" => Ok(Value::Flag(false)),
            _ => Err(unreadable("`1` or `0`")),
        },
        "double" => double(&text).map(Value::Double).ok_or_else(|| unreadable("an amount such as `-12.5`")),
        "nil" => Ok(Value::Nil),
        "array" => {
            let data = only_child(typed, "one `data`")?;
            let values = data.children().filter(Node::is_element).map(|child| value_of(child, depth + 1));
            Ok(Value::List(values.collect::<Result<_, _>>()?))
        }
        "struct" => {
            let members = typed.children().filter(Node::is_element).map(|member| member_of(member, depth));
            Ok(Value::Struct(members.collect::<Result<_, _>>()?))
        }
        // A date, bytes: nothing that papertally asks for.
        _ => Err(shape(typed, "a text, number, amount, list or structure")),
    }
}

fn member_of(member: Node<'_, '_>, depth: u32) -> Result<(String, Value), AnswerError> {
    let part = |name: &'static str| {
        let found = member.children().find(|child| child.tag_name().name() == name);
        found.ok_or_else(|| shape(member, "a `member` with `name` and `value`"))
    };
    Ok((text_in(part("name")?), value_of(part("value")?, depth + 1)?))
}

/// All text in a node: comments may cut it into pieces.
fn text_in(node: Node<'_, '_>) -> String {
    node.children().filter(Node::is_text).filter_map(|text| text.text()).collect()
}

fn fault_of(value: Value) -> Fault {
    let Value::Struct(mut members) = value else {
        return Fault { code: None, text: format!("a fault that is {}", value.kind()) };
    };
    let code = match members.remove("faultCode") {
        Some(Value::Int(code)) => Some(code),
        Some(Value::Text(text)) => text.trim().parse().ok(),
        _ => None,
    };
    let text = match members.remove("faultString") {
        Some(Value::Text(text)) => text,
        _ => String::new(),
    };
    Fault { code, text }
}

/// A double as an amount: the decimal text of its exact value, to six decimals. PaperCut adds amounts as doubles, so
/// `30.1` may come as `30.100000000000001`.
pub(super) fn double(text: &str) -> Option<Money> {
    let value: f64 = text.trim().parse().ok().filter(|value: &f64| value.is_finite())?;
    let text = format!("{value:.6}");
    text.parse().ok()
}

/// The start of a text, for messages.
pub(super) fn shortened(text: &str) -> String {
    const LETTERS_MAX: usize = 120;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let start: String = line.chars().take(LETTERS_MAX).collect();
    if start.len() < line.len() { format!("{start}…") } else { start }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(value: &str) -> String {
        format!(
            "<?xml version=\"1.0\"?><methodResponse><params><param>{value}</param></params></methodResponse>"
        )
    }

    #[test]
    fn amounts_are_read_exactly_and_lose_a_doubles_noise() {
        let check = |text: &str, expected: &str| {
            let found = decode(answer(&format!("<value><double>{text}</double></value>")).as_bytes(), None);
            let expected = Value::Double(expected.parse().unwrap());
            assert_eq!(found.unwrap().unwrap(), expected, "{text}");
        };
        check("-1.0E-4", "-0.0001");
        check("30.0", "30");
        check("1.2345678E7", "12345678");
        check("30.100000000000001", "30.1");
        check("0.30000000000000004", "0.3");
        check("-0.0", "0");
        check(" 12.3456 ", "12.3456");
        check("1234.565", "1234.565");
        check("4.35", "4.35");
        for text in ["NaN", "Infinity", "", "1,5", "1e300"] {
            let read = decode(answer(&format!("<value><double>{text}</double></value>")).as_bytes(), None);
            assert!(matches!(read, Err(AnswerError::Shape { .. })), "{text}");
        }
    }

    #[test]
    fn values_come_in_many_shapes() {
        let check = |value: &str, expected: Value| {
            assert_eq!(decode(answer(value).as_bytes(), None).unwrap().unwrap(), expected, "{value}");
        };
        let text = |text: &str| Value::Text(text.to_owned());
        check("<value>plain</value>", text("plain"));
        check("<value><string>typed</string></value>", text("typed"));
        check("<value></value>", text(""));
        check("<value/>", text(""));
        check("<value>R&amp;D &#60;Lab&#62;</value>", text("R&D <Lab>"));
        check("<value>a<!-- note -->b<![CDATA[<c>]]></value>", text("ab<c>"));
        check("<value> two  blanks </value>", text(" two  blanks "));
        check("<value><i4>-1</i4></value>", Value::Int(-1));
        check("<value><boolean>1</boolean></value>", Value::Flag(true));
        check("<value><array><data/></array></value>", Value::List(vec![]));
        check(
            "<value>\n <array>\n <data>\n <value>00123</value>\n</data></array>\n</value>",
            Value::List(vec![text("00123")]),
        );
        check("<value><nil/></value>", Value::Nil);
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        let check = |bytes: &[u8], expected: &str| {
            let error = decode(bytes, None).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check(b"<html><body>HTTP ERROR 503</body></html>", "HTML page");
        check(b"<!DOCTYPE html><title>x</title>", "HTML page");
        check(b"<!DOCTYPE x [<!ENTITY a \"b\">]><methodResponse/>", "DTD");
        check(b"", "not well formed");
        check(answer("<value>a\u{1b}b</value>").as_bytes(), "not well formed");
        check(answer("<value>a&#27;b</value>").as_bytes(), "not well formed");
        check(b"<methodResponse><params></params></methodResponse>", "an empty `params`");
        check(b"<methodCall/>", "`methodCall`");
        check(b"<?xml version=\"1.0\"?><methodResponse><params><param><value>M\xfcller</value>", "not UTF-8");
        let deep = "<value><array><data>".repeat(40) + &"</data></array></value>".repeat(40);
        check(answer(&deep).as_bytes(), "deep");
    }

    #[test]
    fn an_answer_is_read_in_its_own_encoding() {
        let declared = b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><methodResponse><params><param><value>M\xfcller</value></param></params></methodResponse>";
        assert_eq!(decode(declared, None).unwrap().unwrap(), Value::Text("Müller".to_owned()));
        let named =
            b"<methodResponse><params><param><value>M\xfcller</value></param></params></methodResponse>";
        assert_eq!(decode(named, Some("windows-1252")).unwrap().unwrap(), Value::Text("Müller".to_owned()));
    }

    #[test]
    fn faults_are_read_by_name_in_any_order() {
        let fault = |members: &str| {
            let body = format!(
                "<methodResponse><fault><value><struct>{members}</struct></value></fault></methodResponse>"
            );
            decode(body.as_bytes(), None).unwrap().unwrap_err()
        };
        let text = "<member><name>faultString</name><value>no such user</value></member>";
        let code = "<member><name>faultCode</name><value><int>262</int></value></member>";
        let expected = Fault { code: Some(262), text: "no such user".to_owned() };
        assert_eq!(fault(&format!("{text}{code}")), expected);
        assert_eq!(fault(&format!("{code}{text}")), expected);
        assert_eq!(fault(text), Fault { code: None, ..expected });
    }

    #[test]
    fn calls_carry_exact_types_and_escaped_text() {
        let text = |text: &str| Value::Text(text.to_owned());
        let call = encode(
            "api.adjustSharedAccountAccountBalance",
            &[
                text("T"),
                text("R&D <Lab>\\Bench 2"),
                Value::Double("30".parse().unwrap()),
                Value::Double("12.3456".parse().unwrap()),
                Value::Nil,
                Value::Int(0),
                Value::Flag(true),
                text("a\u{1b}\r"),
                Value::List(vec![text("x")]),
            ],
        );
        for part in [
            "<methodName>api.adjustSharedAccountAccountBalance</methodName>",
            "R&amp;D &lt;Lab&gt;\\Bench 2",
            "<double>30.0</double>",
            "<double>12.3456</double>",
            "<string></string>",
            "<int>0</int>",
            "<boolean>1</boolean>",
            "a\u{fffd}&#13;",
            "<array><data><value><string>x</string></value></data></array>",
        ] {
            assert!(call.contains(part), "{part} in {call}");
        }
    }
}
