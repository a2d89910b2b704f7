//! Text of others, made harmless for logs, headers and readers.

/// One line of at most so many characters. Characters that end lines, or that change how what stands around them is
/// read, become escapes.
pub(crate) fn shown(text: &str, chars_max: usize) -> String {
    let mut line = String::new();
    for char in text.trim_end().chars() {
        match is_hidden(char) {
            true => line.extend(char.escape_default()),
            false => line.push(char),
        }
    }
    line.chars().take(chars_max).collect()
}

/// Controls, line and paragraph separators, directions of writing, and what has no width.
fn is_hidden(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(char, '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_say_is_one_short_line_of_what_can_be_seen() {
        assert_eq!(shown("550 no\r\nsuch user\r\n", 200), "550 no\\r\\nsuch user");
        assert_eq!(shown("\u{1b}[2J\u{202e}x\u{2028}é\u{0}", 200), "\\u{1b}[2J\\u{202e}x\\u{2028}é\\u{0}");
        assert_eq!(shown(&"x".repeat(1000), 200).len(), 200);
    }
}
