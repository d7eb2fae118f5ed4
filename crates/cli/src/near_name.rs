//! What was perhaps meant by a name that nothing has.

/// Most names that are listed where none is near.
const LISTED_MAX: usize = 12;
/// Most near names that are offered.
const NEAR_MAX: usize = 3;

/// "did you mean 'Red11' or 'Red12'?", where names are spelled like it; else "there are: ...". None:
/// there is nothing to name.
pub(crate) fn hint(name: &str, known: &[String]) -> Option<String> {
    let near = near(name, known.iter().map(String::as_str));
    if !near.is_empty() {
        let near: Vec<_> = near.iter().map(|near| format!("'{near}'")).collect();
        return Some(format!("did you mean {}?", near.join(" or ")));
    }
    let (listed, more) = match known.get(..LISTED_MAX) {
        Some(first) if known.len() > LISTED_MAX => (first, ", ..."),
        Some(_) | None => (known, ""),
    };
    (!listed.is_empty()).then(|| format!("there are: {}{more}", listed.join(", ")))
}

/// The names that come nearest, all as near, if a third of the letters at most differ.
pub(crate) fn near<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Vec<&'n str> {
    let wanted = name.to_lowercase();
    let limit = (wanted.chars().count() / 3).max(1);
    let distances = known.map(|known| {
        let distance = strsim::damerau_levenshtein(&wanted, &known.to_lowercase());
        (distance, known)
    });
    let mut near: Vec<_> = distances
        .filter(|&(distance, _)| distance <= limit)
        .collect();
    near.sort_unstable();
    let least = near.first().map(|&(distance, _)| distance);
    near.retain(|&(distance, _)| Some(distance) == least);
    near.truncate(NEAR_MAX);
    near.into_iter().map(|(_, known)| known).collect()
}

#[cfg(test)]
mod tests {
    use super::hint;

    fn told(name: &str, known: &[&str]) -> Option<String> {
        let known: Vec<_> = known.iter().map(ToString::to_string).collect();
        hint(name, &known)
    }

    #[test]
    fn names_are_offered_that_are_spelled_alike() {
        let known = ["Blue11", "Red11", "Red22"];
        assert_eq!(
            told("red1", &known).as_deref(),
            Some("did you mean 'Red11'?")
        );
        assert_eq!(
            told("Red12", &known).as_deref(),
            Some("did you mean 'Red11' or 'Red22'?")
        );
    }

    #[test]
    fn where_none_is_alike_all_are_listed_up_to_a_dozen() {
        let known = ["Blue11", "Red11"];
        assert_eq!(
            told("Nope", &known).as_deref(),
            Some("there are: Blue11, Red11")
        );
        let many: Vec<_> = (0..13).map(|n| format!("guest{n}")).collect();
        let hint = hint("Nope", &many).expect("a list");
        assert!(hint.ends_with("guest10, guest11, ..."), "{hint}");
        assert_eq!(told("Nope", &[]), None);
    }
}
