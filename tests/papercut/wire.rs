//! XML-RPC as PaperCut's server speaks it: requests in, answers and faults out. It shares no code with the
//! client under test, so that one mistake cannot hide in both. It is stricter than a server has to be: no
//! attributes, comments or CDATA, and no character that XML 1.0 forbids.

/// How deep elements may lie in each other: an array in a parameter needs nine.
const DEPTH_MAX: usize = 16;

/// A value on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// Text, typed or not.
    Text(String),
    /// `<int>` or `<i4>`.
    Int(i32),
    /// `<double>`, in millionths.
    Double(i64),
    /// `<boolean>`.
    Bool(bool),
    /// `<array>`.
    List(Vec<Value>),
    /// `<struct>`, its members in their order.
    Struct(Vec<(String, Value)>),
    /// `<nil/>`, which the server takes nowhere.
    Nil,
}

/// A call as it came in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// With its `api.`.
    pub method: String,
    /// All parameters, the token among them.
    pub params: Vec<Value>,
}

/// How doubles are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doubles {
    /// As Java prints the nearest one: `30.0`, `-1.0E-4`.
    Java,
    /// The same with the last digit of a binary sum gone astray: `12.400000000000002`.
    Noisy,
}

impl Value {
    /// A text.
    pub(crate) fn text(text: impl Into<String>) -> Value {
        Value::Text(text.into())
    }

    /// The Java type that the server looks its methods up by.
    pub(crate) fn java_type(&self) -> &'static str {
        match self {
            Value::Text(_) => "java.lang.String",
            Value::Int(_) => "int",
            Value::Double(_) => "double",
            Value::Bool(_) => "boolean",
            Value::List(_) => "java.util.Vector",
            Value::Struct(_) => "java.util.Hashtable",
            Value::Nil => "null",
        }
    }

    /// `<value>…</value>`, texts untyped.
    fn xml(&self, doubles: Doubles) -> String {
        let inside = match self {
            Value::Text(text) => escaped(text),
            Value::Int(number) => format!("<int>{number}</int>"),
            Value::Double(millionths) => format!("<double>{}</double>", double(*millionths, doubles)),
            Value::Bool(is_so) => format!("<boolean>{}</boolean>", u8::from(*is_so)),
            Value::List(values) => {
                let values: String = values.iter().map(|value| value.xml(doubles)).collect();
                format!("<array><data>{values}</data></array>")
            }
            Value::Struct(members) => {
                let member = |(name, value): &(String, Value)| {
                    format!("<member><name>{}</name>{}</member>", escaped(name), value.xml(doubles))
                };
                format!("<struct>{}</struct>", members.iter().map(member).collect::<String>())
            }
            Value::Nil => "<nil/>".to_owned(),
        };
        format!("<value>{inside}</value>")
    }
}

impl Request {
    /// Reads a request, or says what is wrong with it.
    pub(crate) fn parse(body: &[u8]) -> Result<Request, String> {
        let text = std::str::from_utf8(body).map_err(|error| error.to_string())?;
        let call = document(text)?;
        let [method, params] = call.is("methodCall")?.only_children(2)? else {
            return Err("expected methodName and params".to_owned());
        };
        let mut values = Vec::new();
        for param in &params.is("params")?.children {
            values.push(value(param.is("param")?.only_child()?)?);
        }
        Ok(Request { method: method.is("methodName")?.leaf()?.to_owned(), params: values })
    }
}

/// The document of an answer.
pub(crate) fn answer(value: &Value, doubles: Doubles) -> String {
    let value = value.xml(doubles);
    document_of(&format!("<params><param>{value}</param></params>"))
}

/// The document of a fault: the text first and untyped, then the code.
pub(crate) fn fault(code: i32, text: &str) -> String {
    let members =
        vec![("faultString".to_owned(), Value::text(text)), ("faultCode".to_owned(), Value::Int(code))];
    document_of(&format!("<fault>{}</fault>", Value::Struct(members).xml(Doubles::Java)))
}

fn document_of(inside: &str) -> String {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><methodResponse>{inside}</methodResponse>")
}

/// A double as the server writes it. Java prints plainly from a thousandth to ten million, else with an exponent.
pub(crate) fn double(millionths: i64, doubles: Doubles) -> String {
    let sign = if millionths < 0 { "-" } else { "" };
    let size = millionths.unsigned_abs();
    let (whole, part) = (size / 1_000_000, format!("{:06}", size % 1_000_000));
    if size != 0 && !(1_000..10_000_000_000_000).contains(&size) {
        let digits = size.to_string();
        let (first, rest) = digits.split_at(1);
        let rest = rest.trim_end_matches('0');
        let exponent = i64::try_from(digits.len()).unwrap() - 7;
        return format!("{sign}{first}.{}E{exponent}", if rest.is_empty() { "0" } else { rest });
    }
    if doubles == Doubles::Noisy && whole > 0 {
        // Seventeen digits, as many as tell any two doubles apart.
        let zeros = "0".repeat(17 - whole.to_string().len() - part.len() - 1);
        return format!("{sign}{whole}.{part}{zeros}2");
    }
    let part = part.trim_end_matches('0');
    format!("{sign}{whole}.{}", if part.is_empty() { "0" } else { part })
}

/// The millionths of a double's text, half away from zero; none where it is no number or too large for money.
pub(crate) fn millionths(text: &str) -> Option<i64> {
    let (is_negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let digits = [whole, part].concat();
    if digits.is_empty() || digits.len() > 30 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let size: i128 = digits.parse().ok()?;
    let shift = exponent.checked_add(6)?.checked_sub(i32::try_from(part.len()).ok()?)?;
    let power = 10_i128.checked_pow(shift.unsigned_abs());
    let size = match (shift < 0, power) {
        (true, Some(power)) => size / power + i128::from(size % power >= power - size % power),
        // Smaller than any half millionth.
        (true, None) => 0,
        (false, Some(power)) => size.checked_mul(power)?,
        (false, None) => return if size == 0 { Some(0) } else { None },
    };
    i64::try_from(if is_negative { -size } else { size }).ok()
}

/// A text in XML. What Java's writer escapes, and no more.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#13;"),
            other => out.push(other),
        }
    }
    out
}

/// An element without attributes; its texts together.
struct Element {
    name: String,
    text: String,
    children: Vec<Element>,
}

impl Element {
    fn is(&self, name: &str) -> Result<&Element, String> {
        if self.name == name { Ok(self) } else { Err(format!("found <{}>, expected <{name}>", self.name)) }
    }

    /// The children, which have no text between them and are at most so many.
    fn only_children(&self, count_max: usize) -> Result<&[Element], String> {
        if self.children.len() > count_max || !self.text.trim().is_empty() {
            return Err(format!("<{}> has more in it than it may", self.name));
        }
        Ok(&self.children)
    }

    fn only_child(&self) -> Result<&Element, String> {
        self.only_children(1)?.first().ok_or_else(|| format!("<{}> is empty", self.name))
    }

    /// The text of an element without children.
    fn leaf(&self) -> Result<&str, String> {
        if self.children.is_empty() { Ok(&self.text) } else { Err(format!("elements in <{}>", self.name)) }
    }
}

/// Reads a `<value>`.
fn value(element: &Element) -> Result<Value, String> {
    if element.is("value")?.children.is_empty() {
        return Ok(Value::Text(element.text.clone()));
    }
    let typed = element.only_child()?;
    let wrong = || format!("`{}` is no {}", typed.text, typed.name);
    Ok(match typed.name.as_str() {
        "string" => Value::text(typed.leaf()?),
        "int" | "i4" => Value::Int(typed.leaf()?.parse().map_err(|_| wrong())?),
        "double" => Value::Double(millionths(typed.leaf()?).ok_or_else(wrong)?),
        "boolean" if typed.leaf()? == "1" => Value::Bool(true),
        "boolean" if typed.leaf()? == "0" => Value::Bool(false),
        "nil" if typed.leaf()?.is_empty() => Value::Nil,
        "array" => {
            let data = typed.only_child()?.is("data")?;
            Value::List(data.only_children(usize::MAX)?.iter().map(value).collect::<Result<_, _>>()?)
        }
        "struct" => {
            let mut members = Vec::new();
            for member in typed.only_children(usize::MAX)? {
                let [name, held] = member.is("member")?.only_children(2)? else {
                    return Err("a member needs a name and a value".to_owned());
                };
                members.push((name.is("name")?.leaf()?.to_owned(), value(held)?));
            }
            Value::Struct(members)
        }
        _ => return Err(wrong()),
    })
}

/// Reads a document down to its end.
fn document(text: &str) -> Result<Element, String> {
    if let Some(found) = text.chars().find(|character| !is_allowed(*character)) {
        return Err(format!("XML has no character {found:?}"));
    }
    // As every XML parser does: a carriage return that is to arrive has to be escaped.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut rest = text.trim_start_matches('\u{feff}');
    if let Some(declaration) = rest.strip_prefix("<?xml ") {
        (_, rest) = declaration.split_once("?>").ok_or("the declaration does not end")?;
    }
    let (root, rest) = element(rest.trim_start(), DEPTH_MAX)?;
    if rest.trim().is_empty() { Ok(root) } else { Err("text behind the document".to_owned()) }
}

/// Reads the element that a text begins with, and gives what follows it.
fn element(text: &str, depth_left: usize) -> Result<(Element, &str), String> {
    let depth_left = depth_left.checked_sub(1).ok_or("too deep")?;
    let inside = text.strip_prefix('<').ok_or("expected an element")?;
    let (tag, mut rest) = inside.split_once('>').ok_or("a tag does not end")?;
    let name = tag.strip_suffix('/').unwrap_or(tag).trim_end();
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(format!("found `<{tag}>`, expected a plain element"));
    }
    let mut found = Element { name: name.to_owned(), text: String::new(), children: Vec::new() };
    if tag.ends_with('/') {
        return Ok((found, rest));
    }
    loop {
        let at = rest.find('<').ok_or_else(|| format!("<{name}> does not end"))?;
        found.text.push_str(&unescaped(&rest[..at])?);
        if let Some(closing) = rest[at..].strip_prefix("</") {
            let (closed, after) = closing.split_once('>').ok_or("a tag does not end")?;
            if closed.trim_end() != name {
                return Err(format!("<{name}> ends as </{closed}>"));
            }
            return Ok((found, after));
        }
        let (child, after) = element(&rest[at..], depth_left)?;
        found.children.push(child);
        rest = after;
    }
}

fn unescaped(text: &str) -> Result<String, String> {
    let mut parts = text.split('&');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once(';').ok_or("a bare `&`")?;
        let code = name.strip_prefix('#').and_then(|code| match code.strip_prefix('x') {
            Some(code) => u32::from_str_radix(code, 16).ok(),
            None => code.parse().ok(),
        });
        out.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => code
                .and_then(char::from_u32)
                .filter(|character| is_allowed(*character))
                .ok_or_else(|| format!("no character is `&{name};`"))?,
        });
        out.push_str(rest);
    }
    Ok(out)
}

/// The characters of XML 1.0.
fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}
