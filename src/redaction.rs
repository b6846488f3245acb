//! Placeholder until the engine is merged.
use std::borrow::Cow;
/// What was removed.
#[derive(Default, Debug, Clone)]
pub struct Tally;
/// Placeholder.
pub fn redact_text<'a>(text: &'a str, _tally: &mut Tally) -> Cow<'a, str> {
    Cow::Borrowed(text)
}
/// Placeholder.
pub fn redact_context(_value: &mut crate::json::Json<'_>, _tally: &mut Tally) {}
