//! The double's own codec: money as Java prints it, requests that are taken and refused.

use crate::wire::{Doubles, Request, Value, answer, double, fault, millionths};

#[test]
fn doubles_are_printed_as_java_prints_them() {
    let cases = [
        (0, "0.0"),
        (30_000_000, "30.0"),
        (12_400_000, "12.4"),
        (-50_000, "-0.05"),
        (1_000, "0.001"),
        (999, "9.99E-4"),
        (-100, "-1.0E-4"),
        (1, "1.0E-6"),
        (9_999_999_999_999, "9999999.999999"),
        (10_000_000_000_000, "1.0E7"),
        (-12_345_678_900_000, "-1.23456789E7"),
    ];
    for (number, text) in cases {
        assert_eq!(double(number, Doubles::Java), text);
        assert_eq!(millionths(text), Some(number), "{text}");
    }
    assert_eq!(double(12_400_000, Doubles::Noisy), "12.400000000000002");
    assert_eq!(double(-1_234_560_000, Doubles::Noisy), "-1234.5600000000002");
    assert_eq!(double(50_000, Doubles::Noisy), "0.05");
}

#[test]
fn doubles_are_read_to_the_millionth() {
    let cases = [
        ("30", Some(30_000_000)),
        (".5", Some(500_000)),
        ("+1.", Some(1_000_000)),
        ("12.400000000000002", Some(12_400_000)),
        ("0.0000005", Some(1)),
        ("-0.0000005", Some(-1)),
        ("0.00000049", Some(0)),
        ("1e-400", Some(0)),
        ("0e400", Some(0)),
        ("1.5E3", Some(1_500_000_000)),
        ("9223372036854.775807", Some(i64::MAX)),
        ("9223372036854.775808", None),
        ("1e40", None),
        ("", None),
        (".", None),
        ("1,5", None),
        (" 1", None),
        ("NaN", None),
        ("1e", None),
        ("--1", None),
    ];
    for (text, number) in cases {
        assert_eq!(millionths(text), number, "`{text}`");
    }
}

fn parsed(value: &str) -> Result<Value, String> {
    let text = format!(
        "<?xml version='1.0'?>\r\n<methodCall>\r\n <methodName>m</methodName>\r\n \
         <params><param><value>{value}</value></param></params>\r\n</methodCall>\r\n"
    );
    Request::parse(text.as_bytes()).map(|request| request.params[0].clone())
}

#[test]
fn values_are_read_by_their_types() {
    let list = "<array><data><value>a</value><value><i4>-7</i4></value></data></array>";
    let members = "<struct><member><name>n</name><value><boolean>1</boolean></value></member></struct>";
    let cases = [
        ("a &lt;b&gt; &amp;&#233;&#xE9;", Value::text("a <b> &éé")),
        ("<string> two  blanks </string>", Value::text(" two  blanks ")),
        ("<string/>", Value::text("")),
        ("", Value::text("")),
        ("a\r\nb\rc&#13;", Value::text("a\nb\nc\r")),
        ("\n<int>3</int>\n", Value::Int(3)),
        ("<double>-1.0E-4</double>", Value::Double(-100)),
        ("<nil/>", Value::Nil),
        (list, Value::List(vec![Value::text("a"), Value::Int(-7)])),
        ("<array><data/></array>", Value::List(Vec::new())),
        (members, Value::Struct(vec![("n".to_owned(), Value::Bool(true))])),
    ];
    for (xml, value) in cases {
        assert_eq!(parsed(xml), Ok(value), "{xml}");
    }
    let no_params = "<methodCall><methodName>m</methodName><params/></methodCall>";
    assert_eq!(Request::parse(no_params.as_bytes()).unwrap().params, []);
}

#[test]
fn requests_that_are_no_xml_rpc_are_refused() {
    let deep = ["<array><data><value>".repeat(8), "</value></data></array>".repeat(8)].concat();
    let values = [
        "a & b",
        "&nbsp;",
        "&#0;",
        "\u{1}",
        "\u{fffe}",
        "text <int>1</int>",
        "<int>1</int><int>2</int>",
        "<int> 1</int>",
        "<int>2147483648</int>",
        "<boolean>true</boolean>",
        "<double>1,5</double>",
        "<float>1</float>",
        "<string a='b'>x</string>",
        "<string>x</int>",
        "<string><b>x</b></string>",
        "<![CDATA[x]]>",
        "<!-- x -->",
        "<string>x",
        deep.as_str(),
    ];
    for value in values {
        assert!(parsed(value).is_err(), "{value}: {:?}", parsed(value));
    }
    for text in ["", "GET", "<methodCall/>", "<methodResponse/>", "<methodCall></methodCall> x", "<a></b>"] {
        assert!(Request::parse(text.as_bytes()).is_err(), "{text}");
    }
    assert!(Request::parse(b"<methodCall>\xff</methodCall>").is_err());
}

#[test]
fn answers_have_untyped_texts_and_faults_their_text_first() {
    let value = Value::Struct(vec![
        ("a".to_owned(), Value::List(vec![Value::text("Tom & <Ann>"), Value::Bool(false)])),
        ("b".to_owned(), Value::Double(5_000_000)),
    ]);
    assert_eq!(
        answer(&value, Doubles::Java),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><methodResponse><params><param><value><struct>\
         <member><name>a</name><value><array><data><value>Tom &amp; &lt;Ann&gt;</value>\
         <value><boolean>0</boolean></value></data></array></value></member>\
         <member><name>b</name><value><double>5.0</double></value></member>\
         </struct></value></param></params></methodResponse>"
    );
    assert_eq!(
        fault(262, "no\rbody"),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><methodResponse><fault><value><struct>\
         <member><name>faultString</name><value>no&#13;body</value></member>\
         <member><name>faultCode</name><value><int>262</int></value></member>\
         </struct></value></fault></methodResponse>"
    );
}
