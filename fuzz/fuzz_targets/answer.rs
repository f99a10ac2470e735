//! Answers of a PaperCut server: XML-RPC in any encoding, faults, pages that are none.
#![no_main]

use libfuzzer_sys::fuzz_target;
use papertally::papercut::{Value, decode, encode};

fuzz_target!(|data: &[u8]| {
    let outcome = decode(data, None);
    assert_eq!(outcome, decode(data, None), "the same answer was read in two ways");
    let Ok(Ok(value)) = outcome else { return };
    // What was read can be sent, and means the same again: but for nil, which is sent as an empty text.
    if !has_nil(&value) {
        let call = encode("m", std::slice::from_ref(&value));
        let parameters = call.split_once("<params>").and_then(|(_, rest)| rest.split_once("</params>"));
        let (parameters, _) = parameters.expect("a call has parameters");
        let answer = format!("<methodResponse><params>{parameters}</params></methodResponse>");
        assert_eq!(decode(answer.as_bytes(), None), Ok(Ok(value)), "{answer}");
    }
});

fn has_nil(value: &Value) -> bool {
    match value {
        Value::Nil => true,
        Value::List(values) => values.iter().any(has_nil),
        Value::Struct(members) => members.values().any(has_nil),
        _ => false,
    }
}
