//! How long ago something was, for people.

/// In its largest unit.
pub fn age(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0..60 => (seconds, "s"),
        60..3_600 => (seconds / 60, "min"),
        3_600..172_800 => (seconds / 3_600, "h"),
        _ => (seconds / 86_400, "days"),
    };
    format!("{count} {unit} ago")
}

#[cfg(test)]
mod tests {
    use super::age;

    #[test]
    fn an_age_is_told_in_its_largest_unit() {
        let told = [5, 60, 7_200, 172_799, 172_800].map(age);
        assert_eq!(told, ["5 s ago", "1 min ago", "2 h ago", "47 h ago", "2 days ago"]);
    }
}
