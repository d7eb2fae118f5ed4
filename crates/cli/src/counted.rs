//! A count and its noun.

/// "1 frame", "2 frames", "0 deliveries". `noun` is one of them, and takes -s or -ies.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    match (count, noun.strip_suffix('y')) {
        (1, _) => format!("{count} {noun}"),
        (_, Some(stem)) => format!("{count} {stem}ies"),
        (_, None) => format!("{count} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular_and_everything_else_plural() {
        assert_eq!(counted(0, "frame"), "0 frames");
        assert_eq!(counted(1, "frame"), "1 frame");
        assert_eq!(counted(1, "delivery"), "1 delivery");
        assert_eq!(counted(2, "copy"), "2 copies");
    }
}
