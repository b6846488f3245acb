//! Text of strangers, made harmless for a terminal: what moves the cursor, sets a title or turns the direction of
//! writing is shown instead of done.

use std::fmt::Write;

/// Whether a character does something to a terminal, or to the order of what stands around it, or cannot be seen.
pub fn is_active(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A line of text: active characters as `\u{…}`, a tab as a space.
pub fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => out.push(' '),
            c if is_active(c) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// JSON that means the same, with active characters escaped. Those JSON allows as they are stand in strings alone.
pub fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_active(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_a_terminal_obeys_is_left() {
        assert_eq!(line("\u{1b}[31mred\u{1b}[0m\r\u{7}"), r"\u{1b}[31mred\u{1b}[0m\u{d}\u{7}");
        assert_eq!(line("\u{9b}2J user\u{202e}nimda\u{2066}x \u{200b}\u{e0041}\u{85}"), {
            r"\u{9b}2J user\u{202e}nimda\u{2066}x \u{200b}\u{e0041}\u{85}"
        });
        assert_eq!(line("é日本👩\u{200d}👩 a\tb"), "é日本👩\u{200d}👩 a b", "and all else is");
    }

    #[test]
    fn json_means_the_same_without_them() {
        let value = serde_json::json!({ "m": "\u{1b}\u{9b}\u{202e}\u{e0041}\u{2028}é\"\\" });
        let safe = json(&value.to_string());
        assert!(!safe.chars().any(is_active), "{safe}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).unwrap(), value);
    }
}
