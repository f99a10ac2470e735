//! Calls over a bare socket, for the tests of the double itself.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::double::Double;

/// A whole HTTP request with this body, which asks to close the connection.
pub(crate) fn request(body: &str) -> String {
    request_with("Connection: close\r\n", body)
}

/// A whole HTTP request with this body and other headers.
pub(crate) fn request_with(headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST /rpc/api/xmlrpc HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\n{headers}\
         Content-Length: {length}\r\n\r\n{body}"
    )
}

/// A connection to the double.
pub(crate) fn connect(double: &Double) -> TcpStream {
    let url = double.url();
    TcpStream::connect(url.split_once("://").unwrap().1).unwrap()
}

/// Sends these bytes and reads to the end of the connection.
pub(crate) fn exchange(double: &Double, request: &str) -> String {
    let mut stream = connect(double);
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// The document of a call with these parameters, the token among them.
pub(crate) fn document(method: &str, params: &[String]) -> String {
    let params: String =
        params.iter().map(|value| format!("<param><value>{value}</value></param>")).collect();
    format!(
        "<?xml version=\"1.0\"?>\n<methodCall><methodName>{method}</methodName>\
         <params>{params}</params></methodCall>"
    )
}

/// The document of a call with the right token and these parameters.
pub(crate) fn with_token(method: &str, params: &[String]) -> String {
    document(method, &[&[string("secret")], params].concat())
}

/// What a call with the right token and these parameters gives, without the frame that every answer has.
pub(crate) fn call(double: &Double, method: &str, params: &[String]) -> String {
    inside(&exchange(double, &request(&with_token(method, params))))
}

/// The value of an answer, or the fault's code and text as `code text`.
pub(crate) fn inside(answer: &str) -> String {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    let frame = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><methodResponse>";
    let inside = body.strip_prefix(frame).unwrap().strip_suffix("</methodResponse>").unwrap();
    let fault = "<fault><value><struct><member><name>faultString</name><value>";
    if let Some(fault) = inside.strip_prefix(fault) {
        let between = "</value></member><member><name>faultCode</name><value><int>";
        let (text, rest) = fault.split_once(between).unwrap();
        let code = rest.strip_suffix("</int></value></member></struct></value></fault>").unwrap();
        return format!("{code} {text}");
    }
    let value = inside.strip_prefix("<params><param><value>").unwrap();
    value.strip_suffix("</value></param></params>").unwrap().to_owned()
}

pub(crate) fn string(text: &str) -> String {
    format!("<string>{text}</string>")
}

pub(crate) fn int(number: i32) -> String {
    format!("<int>{number}</int>")
}

pub(crate) fn double(text: &str) -> String {
    format!("<double>{text}</double>")
}

/// An array of strings.
pub(crate) fn list(texts: &[&str]) -> String {
    let values: String = texts.iter().map(|text| format!("<value>{}</value>", string(text))).collect();
    format!("<array><data>{values}</data></array>")
}
