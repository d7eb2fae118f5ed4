//! Wildcards of filters and `-like`: `*` and `?`, without case.

/// Whether a text holds a wildcard.
pub(crate) fn has_wildcard(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// Whether `text` is what `pattern` describes.
pub(crate) fn is_like(text: &str, pattern: &str) -> bool {
    let fold = |s: &str| -> Vec<char> { s.chars().flat_map(char::to_lowercase).collect() };
    let (text, pattern) = (fold(text), fold(pattern));
    let (mut t, mut p) = (0, 0);
    // Where to go on when the rest does not fit: behind the last star, one character further.
    let mut retry = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                p += 1;
                retry = Some((t + 1, p));
            }
            Some(&c) if c == '?' || c == text[t] => {
                t += 1;
                p += 1;
            }
            Some(_) | None => {
                let Some((next, star)) = retry else {
                    return false;
                };
                (t, p) = (next, star);
                retry = Some((next + 1, star));
            }
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::is_like;

    #[test]
    fn a_star_is_any_text_and_a_question_mark_one_character() {
        for (text, pattern) in [
            ("Red11", "red*"),
            ("Red11", "*"),
            ("", "*"),
            ("Red11", "?ed1?"),
            ("Red11", "*1*1"),
            ("aXbXc", "*x*x*"),
        ] {
            assert!(is_like(text, pattern), "{text} {pattern}");
        }
        for (text, pattern) in [
            ("Red11", "Red"),
            ("Red1", "Red1?"),
            ("Red11", "*2*"),
            ("", "?"),
        ] {
            assert!(!is_like(text, pattern), "{text} {pattern}");
        }
    }
}
