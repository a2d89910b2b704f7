use serde_json::{Value, json};

use super::*;

/// What ends lines, fields and strings somewhere, and what terminals obey.
const HOSTILE: &str = "a\r\n<13>1 b\u{0}\u{1b}[31m\u{7f}\u{85}\u{9b}\u{2028}\u{202e}\"]|=\\c\t";

fn leaf(text: &str) -> Leaf {
    Leaf {
        number: 7,
        at_ms: 1_800_000_000_123,
        kind: "refusal",
        user: text.to_owned(),
        service: String::new(),
        action: "PAM.Audit.Read".to_owned(),
        object: text.to_owned(),
        address: "::1".to_owned(),
        detail: text.to_owned(),
        hash: "00ff".to_owned(),
    }
}

#[test]
fn no_text_leaves_its_line_or_field() {
    for format in [Format::Json, Format::Jsonl, Format::Rfc5424, Format::Cef] {
        let line = format.line(&leaf(HOSTILE));
        assert!(!line.chars().any(is_hidden), "{format:?}: {line:?}");
    }
    let read: Value = serde_json::from_str(&Format::Jsonl.line(&leaf(HOSTILE))).unwrap();
    assert_eq!((&read["user"], &read["detail"]), (&json!(HOSTILE), &json!(HOSTILE)));
    assert_eq!(json(&json!({ "a": "\u{7f}\u{202e}\n" })), "{\"a\":\"\\u007f\\u202e\\n\"}");
}

#[test]
fn nothing_that_turns_a_line_or_ends_it_is_seen_as_it_is() {
    // Bidi_Control of Unicode's PropList.txt, then the two ends of lines and the mark of byte order.
    let turns =
        "\u{61c}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}";
    for character in turns.chars().chain("\u{2028}\u{2029}\u{feff}".chars()) {
        let escaped = format!("\\u{:04x}", u32::from(character));
        for format in [Format::Json, Format::Jsonl, Format::Rfc5424, Format::Cef] {
            let line = format.line(&leaf(&format!("a{character}b")));
            assert!(!line.contains(character) && line.contains(&escaped), "{format:?}: {line:?}");
        }
    }
}

#[test]
fn messages_are_those_of_rfc_5424_and_cef() {
    assert_eq!(
        Format::Rfc5424.line(&leaf("a\"b]c\\d\ne")),
        concat!(
            "<108>1 2027-01-15T08:00:00.123Z - custody - refusal [custody@32473 number=\"7\" ",
            r#"user="a\"b\]c\\\\d\\u000ae" action="PAM.Audit.Read" object="a\"b\]c\\\\d\\u000ae" "#,
            r#"address="::1" detail="a\"b\]c\\\\d\\u000ae" hash="00ff"]"#
        )
    );
    let expected = format!(
        "CEF:0|Custody|Custody|{VERSION}|PAM.Audit.Read|refusal|6|rt=1800000000123 externalId=7 \
         suser=a|b\\=c\\\\u000ad act=PAM.Audit.Read cs2Label=object cs2=a|b\\=c\\\\u000ad \
         c6a2Label=Source IPv6 Address c6a2=::1 msg=a|b\\=c\\\\u000ad cs3Label=leafHash cs3=00ff"
    );
    assert_eq!(Format::Cef.line(&leaf("a|b=c\nd")), expected);
}

#[test]
fn times_are_those_of_the_calendar() {
    let known = [
        (0, "1970-01-01T00:00:00.000Z"),
        (951_782_399_999, "2000-02-28T23:59:59.999Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (951_868_800_000, "2000-03-01T00:00:00.000Z"),
        (1_735_689_599_999, "2024-12-31T23:59:59.999Z"),
        (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
    ];
    for (at_ms, text) in known {
        assert_eq!(rfc3339(at_ms), text);
    }
}
