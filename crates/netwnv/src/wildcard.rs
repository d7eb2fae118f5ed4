//! Wildcards of filters and `-like`: `*` and `?`, without case.

/// Whether a text holds a wildcard.
pub(crate) fn has_wildcard(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// Whether `text` is what `pattern` describes.
pub(crate) fn is_like(text: &str, pattern: &str) -> bool {
    if text.is_ascii() && pattern.is_ascii() {
        let same = |one: u8, other: u8| one.eq_ignore_ascii_case(&other);
        return fits(text.as_bytes(), pattern.as_bytes(), (b'*', b'?'), same);
    }
    let fold = |s: &str| -> Vec<char> { s.chars().flat_map(char::to_lowercase).collect() };
    fits(&fold(text), &fold(pattern), ('*', '?'), |one, other| {
        one == other
    })
}

fn fits<C: Copy + PartialEq>(
    text: &[C],
    pattern: &[C],
    (star, any): (C, C),
    same: impl Fn(C, C) -> bool,
) -> bool {
    let (mut t, mut p) = (0, 0);
    // Where to go on when the rest does not fit: behind the last star, one character further.
    let mut retry = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(&c) if c == star => {
                p += 1;
                retry = Some((t + 1, p));
            }
            Some(&c) if c == any || same(c, text[t]) => {
                t += 1;
                p += 1;
            }
            Some(_) | None => {
                let Some((next, behind)) = retry else {
                    return false;
                };
                (t, p) = (next, behind);
                retry = Some((next + 1, behind));
            }
        }
    }
    pattern[p..].iter().all(|&c| c == star)
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
            ("\u{212a}elvin", "k*N"),
            ("GRÜN", "gr?n"),
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
