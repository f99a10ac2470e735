//! As much of HTTP/1.1 as the double needs: requests with a length, answers with a length or in chunks.

use std::io::{BufRead, BufReader, Read, Write};

/// A request.
#[derive(Debug)]
pub(crate) struct Asked {
    /// `POST`, mostly.
    pub verb: String,
    /// From the first slash.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// As many bytes as were announced.
    pub body: Vec<u8>,
    /// The connection ends after the answer.
    pub is_last: bool,
}

/// An answer, before it is known how it is sent.
#[derive(Debug)]
pub(crate) struct Page {
    /// 200, mostly.
    pub status: u16,
    /// The value of `Content-Type`.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

/// How an answer is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sending {
    /// With its length.
    Whole,
    /// In chunks.
    Chunked,
    /// With its length and half of its bytes.
    Half,
}

impl Asked {
    /// Reads a request; none when the other side hung up or sent something else.
    pub(crate) fn read<S: Read>(stream: &mut BufReader<S>) -> Option<Asked> {
        let first = line(stream)?;
        let mut words = first.split(' ');
        let (verb, path, version) = (words.next()?, words.next()?, words.next()?);
        let mut headers = Vec::new();
        loop {
            let line = line(stream)?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':')?;
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut asked = Asked {
            verb: verb.to_owned(),
            path: path.to_owned(),
            headers,
            body: Vec::new(),
            is_last: version != "HTTP/1.1",
        };
        asked.is_last |= asked.header("connection").eq_ignore_ascii_case("close");
        asked.body = vec![0; asked.header("content-length").parse().unwrap_or(0)];
        stream.read_exact(&mut asked.body).ok()?;
        Some(asked)
    }

    /// A header's value; empty where there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        let mut headers = self.headers.iter();
        headers.find(|(found, _)| found == name).map_or("", |(_, value)| value.as_str())
    }
}

impl Page {
    /// An XML-RPC answer.
    pub(crate) fn xml(body: String) -> Page {
        Page { status: 200, content_type: "text/xml;charset=UTF-8", body }
    }

    /// A page for people, as a proxy, a login page or a server that is starting up sends.
    pub(crate) fn html(status: u16) -> Page {
        let title = phrase(status);
        let body = format!(
            "<!DOCTYPE html>\n<html><head><title>{status} {title}</title><meta charset=\"utf-8\"></head>\
             <body><h1>{title}</h1><p>PaperCut &mdash; please try again<br></body></html>\n"
        );
        Page { status, content_type: "text/html;charset=utf-8", body }
    }

    /// Sends it; none when the other side hung up.
    pub(crate) fn send(
        &self,
        to: &mut impl Write,
        sending: Sending,
        date: &str,
        is_last: bool,
    ) -> Option<()> {
        let body = self.body.as_bytes();
        let length = match sending {
            Sending::Chunked => "Transfer-Encoding: chunked".to_owned(),
            Sending::Whole | Sending::Half => format!("Content-Length: {}", body.len()),
        };
        let (status, title, kind) = (self.status, phrase(self.status), self.content_type);
        let connection = if is_last { "Connection: close\r\n" } else { "" };
        let head = format!(
            "HTTP/1.1 {status} {title}\r\nDate: {date}\r\nContent-Type: {kind}\r\n{length}\r\n{connection}\r\n"
        );
        let mut bytes = head.into_bytes();
        let (first, second) = body.split_at(body.len() / 2);
        match sending {
            Sending::Whole => bytes.extend(body),
            Sending::Half => bytes.extend(first),
            Sending::Chunked => {
                for chunk in [first, second].into_iter().filter(|chunk| !chunk.is_empty()) {
                    bytes.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
                    bytes.extend(chunk);
                    bytes.extend(b"\r\n");
                }
                bytes.extend(b"0\r\n\r\n");
            }
        }
        to.write_all(&bytes).and_then(|()| to.flush()).ok()
    }
}

/// A line without its end.
fn line(stream: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    stream.read_line(&mut line).ok()?;
    line.strip_suffix("\r\n").map(str::to_owned)
}

fn phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        404 => "Not Found",
        405 => "Method Not Allowed",
        415 => "Unsupported Media Type",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Error",
    }
}
