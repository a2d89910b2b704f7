//! Finds where a JSON value ends, looking at each byte once.

/// Follows the brackets and strings of one JSON value.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Splitter {
    depth: usize,
    in_string: bool,
    escaped: bool,
}

/// What a byte does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The value goes on.
    On,
    /// A string at the outermost level of the value has ended.
    Word,
    /// The value is complete.
    End,
}

impl Splitter {
    /// Takes the next byte of a value that begins with a bracket.
    pub(super) fn step(&mut self, byte: u8) -> Step {
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => {
                    self.in_string = false;
                    return if self.depth == 1 { Step::Word } else { Step::On };
                }
                _ => {}
            }
            return Step::On;
        }
        match byte {
            b'"' => self.in_string = true,
            b'[' | b'{' => self.depth += 1,
            b']' | b'}' => {
                self.depth = self.depth.saturating_sub(1);
                if self.depth == 0 {
                    return Step::End;
                }
            }
            _ => {}
        }
        Step::On
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_ends_with_its_own_bracket_and_not_with_one_in_a_string() {
        let text = br#"[1, "o", "]\"]", {"a": [2]}] rest"#;
        let mut splitter = Splitter::default();
        let end = text.iter().position(|&byte| splitter.step(byte) == Step::End);
        assert_eq!(end, text.iter().rposition(|&byte| byte == b']'));
    }
}
