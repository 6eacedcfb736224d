//! Characters of bytes, and their case as Go has it: one character for one.

/// What stands for a byte that belongs to no character.
const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

/// The first character and its length in bytes; a byte that belongs to none has length 1, nothing 0.
pub(crate) fn first(bytes: &[u8]) -> (char, usize) {
    if bytes.is_empty() {
        return (REPLACEMENT, 0);
    }
    let ahead = bytes.get(..4).unwrap_or(bytes);
    let valid = match std::str::from_utf8(ahead) {
        Ok(text) => text,
        Err(error) => {
            let valid = ahead.get(..error.valid_up_to()).unwrap_or_default();
            std::str::from_utf8(valid).unwrap_or_default()
        }
    };
    match valid.chars().next() {
        Some(c) => (c, c.len_utf8()),
        None => (REPLACEMENT, 1),
    }
}

/// All characters; a byte that belongs to none is the replacement character.
pub(crate) fn characters(mut bytes: &[u8]) -> impl Iterator<Item = char> {
    std::iter::from_fn(move || {
        let (c, length) = first(bytes);
        bytes = bytes.get(length..)?;
        (length > 0).then_some(c)
    })
}

/// Appends `value` in another case: the first character, or all.
pub(crate) fn convert(value: &[u8], upper: bool, all: bool, out: &mut Vec<u8>) {
    let turn = if upper { to_upper } else { to_lower };
    let mut push = |c: char| {
        let mut buffer = [0; 4];
        out.extend_from_slice(turn(c).encode_utf8(&mut buffer).as_bytes());
    };
    if all {
        // Without a letter to turn, Go leaves ASCII and nothing else untouched: the same.
        characters(value).for_each(push);
        return;
    }
    let (c, length) = first(value);
    if length > 0 {
        push(c);
    }
    out.extend_from_slice(value.get(length..).unwrap_or_default());
}

fn to_lower(c: char) -> char {
    match c {
        // The only one whose full lower case is two characters.
        'İ' => 'i',
        _ => only(c.to_lowercase()).unwrap_or(c),
    }
}

fn to_upper(c: char) -> char {
    let code = u32::from(c);
    // Greek letters with iota below: their full upper case is two characters, the simple one is not.
    let simple = match code {
        0x1F80..=0x1F87 | 0x1F90..=0x1F97 | 0x1FA0..=0x1FA7 => code + 8,
        0x1FB3 | 0x1FC3 | 0x1FF3 => code + 9,
        _ => return only(c.to_uppercase()).unwrap_or(c),
    };
    char::from_u32(simple).unwrap_or(c)
}

fn only(mut characters: impl Iterator<Item = char>) -> Option<char> {
    characters.next().filter(|_| characters.next().is_none())
}
