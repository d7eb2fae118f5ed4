//! Names in a sentence.

/// Most names that a sentence holds.
const NAMES_TOLD: usize = 4;

/// "a", "a and b", "a, b and c", "a, b, c, d and 996 more".
pub(crate) fn listed(names: &[String]) -> String {
    let (told, rest) = names.split_at(names.len().min(NAMES_TOLD));
    match (told, rest.len()) {
        ([], _) => String::new(),
        ([name], 0) => name.clone(),
        ([first @ .., last], 0) => format!("{} and {last}", first.join(", ")),
        (told, more) => format!("{} and {more} more", told.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::listed;

    #[test]
    fn a_sentence_names_four_and_counts_the_rest() {
        let names: Vec<_> = (1..=6).map(|n| format!("h{n}")).collect();
        assert_eq!(listed(&names[..1]), "h1");
        assert_eq!(listed(&names[..3]), "h1, h2 and h3");
        assert_eq!(listed(&names), "h1, h2, h3, h4 and 2 more");
    }
}
