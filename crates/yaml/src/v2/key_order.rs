//! The order in which version 2 prints the keys of a map.
//!
//! Runs of digits compare as numbers, letters come after everything else. The order is not always
//! transitive, so sorting is done by merging, which needs no more than an answer for each pair.
//!
//! Source: sorter.go of go.yaml.in/yaml/v2 2.4.2.

use std::cmp::Ordering;

/// Compares two keys.
pub fn compare_keys(a: &str, b: &str) -> Ordering {
    let common = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let boundary = (0..=common)
        .rev()
        .find(|&at| a.is_char_boundary(at) && b.is_char_boundary(at))
        .unwrap_or(0);
    let (before, a) = a.split_at_checked(boundary).unwrap_or(("", a));
    let (_, b) = b.split_at_checked(boundary).unwrap_or(("", b));
    let (Some(a_first), Some(b_first)) = (a.chars().next(), b.chars().next()) else {
        return a.len().cmp(&b.len());
    };
    match (a_first.is_alphabetic(), b_first.is_alphabetic()) {
        (true, true) => return a_first.cmp(&b_first),
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    // Leading zeros count only after another digit.
    let inside_number = (a_first == '0' || b_first == '0')
        && before
            .bytes()
            .rev()
            .take_while(u8::is_ascii_digit)
            .any(|digit| digit != b'0');
    let start = i64::from(inside_number);
    let (a_number, a_len) = digit_run(a, start);
    let (b_number, b_len) = digit_run(b, start);
    a_number
        .cmp(&b_number)
        .then(a_len.cmp(&b_len))
        .then(a_first.cmp(&b_first))
}

/// Sorts stably; unlike the standard library it takes an order that contradicts itself.
pub(super) fn sort_by_key<T: Copy>(items: &mut Vec<T>, key: impl Fn(&T) -> &str) {
    if items.is_sorted_by(|a, b| compare_keys(key(a), key(b)) != Ordering::Greater) {
        return;
    }
    let mut width = 1;
    let mut merged = Vec::with_capacity(items.len());
    while width < items.len() {
        merged.clear();
        for pair in items.chunks(width * 2) {
            let (mut left, mut right) = pair.split_at(width.min(pair.len()));
            while let (Some((a, left_rest)), Some((b, right_rest))) =
                (left.split_first(), right.split_first())
            {
                if compare_keys(key(b), key(a)) == Ordering::Less {
                    merged.push(*b);
                    right = right_rest;
                } else {
                    merged.push(*a);
                    left = left_rest;
                }
            }
            merged.extend_from_slice(left);
            merged.extend_from_slice(right);
        }
        std::mem::swap(items, &mut merged);
        width *= 2;
    }
}

fn digit_run(text: &str, start: i64) -> (i64, usize) {
    let mut number = start;
    let mut length = 0;
    for digit in text.bytes().take_while(u8::is_ascii_digit) {
        number = number
            .wrapping_mul(10)
            .wrapping_add(i64::from(digit - b'0'));
        length += 1;
    }
    (number, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_as_version_2_does() {
        let mut keys = vec![
            "x1", "x_1", "x.1", "ab", "a_b", "a.b", "a-b", "key10", "key2", "b", "B", "a", "1",
            "10", "2", "é", "", "key02", "a1b", "a1",
        ];
        sort_by_key(&mut keys, |key| key);
        assert_eq!(
            keys,
            [
                "", "1", "2", "10", "B", "a", "a-b", "a.b", "a_b", "a1", "a1b", "ab", "b", "key2",
                "key02", "key10", "x.1", "x_1", "x1", "é"
            ]
        );
    }
}
