//! The cells of a row: where they are, and what stands for what in them.

use std::ops::Range;

/// Blanks that do not count around a cell.
const BLANKS: [char; 2] = [' ', '\t'];

/// The places of the cells, without the blanks around them; nothing when the last `|` is missing: what stands behind
/// the last cell may be a value or a remark, and is not guessed at.
pub fn spans(line: &str) -> Option<Vec<Range<usize>>> {
    let mut bounds = Vec::new();
    let mut escaped = false;
    for (at, byte) in line.bytes().enumerate() {
        if byte == b'|' && !escaped {
            bounds.push(at);
        }
        escaped = byte == b'\\';
    }
    let rest = bounds.last().and_then(|&last| line.get(last + 1..)).unwrap_or_default();
    if !rest.trim_matches(BLANKS).is_empty() {
        return None;
    }
    Some(bounds.windows(2).filter_map(|pair| Some(inner(line, pair.first()? + 1..*pair.get(1)?))).collect())
}

fn inner(line: &str, cell: Range<usize>) -> Range<usize> {
    let text = line.get(cell.clone()).unwrap_or_default();
    if text.trim_matches(BLANKS).is_empty() {
        // After the first blank, where a value would be written.
        let at = cell.start + usize::from(!text.is_empty());
        return at..at;
    }
    let start = cell.start + text.len() - text.trim_start_matches(BLANKS).len();
    start..start + text.trim_matches(BLANKS).len()
}

/// What a cell says.
pub fn read(cell: &str) -> String {
    cell.replace(r"\|", "|")
}

/// A value as a cell says it.
///
/// # Errors
/// When no cell can say it.
pub fn written(value: &str) -> Result<String, String> {
    if value.contains(['\n', '\r']) {
        return Err("a value is one line".into());
    }
    if value.trim_matches(BLANKS) != value {
        return Err("a value neither begins nor ends with a blank".into());
    }
    Ok(value.replace('|', r"\|"))
}

/// Whether the cell belongs to the line below a header.
pub fn is_dashes(cell: &str) -> bool {
    let dashes = cell.trim_matches(':');
    !dashes.is_empty() && dashes.bytes().all(|byte| byte == b'-')
}
