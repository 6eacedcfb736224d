//! Line breaks that comments add to a text.
//!
//! Upstream prints a tree with its comments before it types the values, and puts an empty line before some
//! comments. Behind a block scalar that keeps its last line breaks (`|+`), that line is one more of them.

use yaml::{Node, Scalar, ScalarStyle, v3};

/// Adds to the texts in `root` what they gain when `content`, which it was read from, is printed.
pub(super) fn add(root: &mut Node, content: &[u8]) {
    if !may_gain(content) {
        return;
    }
    let reread = |written: &[u8]| yaml::parse_first_bytes(written).ok().flatten();
    let text = std::str::from_utf8(content).unwrap_or_default();
    let Ok(Some(document)) = yaml::parse_document(text) else {
        return;
    };
    let (mut commented, mut bare) = (Vec::new(), Vec::new());
    v3::emit_document(&document, &mut commented);
    v3::emit(root, &mut bare);
    let (Some(commented), Some(bare)) = (reread(&commented), reread(&bare)) else {
        return;
    };
    transfer(root, &commented, &bare, &["metadata", "annotations"]);
}

/// Whether there is a comment and a block scalar with the indicator `+`, as far as bytes tell.
fn may_gain(content: &[u8]) -> bool {
    let keeps = |(at, byte): (usize, &u8)| {
        let before = content.get(..at).unwrap_or_default();
        *byte == b'+' && matches!(before, [.., b'|' | b'>'] | [.., b'|' | b'>', b'1'..=b'9'])
    };
    content.contains(&b'#') && content.iter().enumerate().any(keeps)
}

/// Takes over the texts in which `commented` differs from `bare`, but for those of the map at `except`, which
/// upstream writes anew.
fn transfer(node: &mut Node, commented: &Node, bare: &Node, except: &[&str]) {
    match (node, commented, bare) {
        (Node::Scalar(scalar), Node::Scalar(commented), Node::Scalar(bare))
            if is_block(scalar) && commented.text != bare.text =>
        {
            scalar.text = commented.text.clone();
            if scalar.style == ScalarStyle::Folded {
                // It has changed as folded texts do, and must not again.
                scalar.style = ScalarStyle::DoubleQuoted;
            }
        }
        (Node::Sequence(items), Node::Sequence(commented), Node::Sequence(bare)) => {
            let read = commented.items.iter().zip(&bare.items);
            for (item, (commented, bare)) in items.items.iter_mut().zip(read) {
                transfer(item, commented, bare, &[]);
            }
        }
        (Node::Mapping(fields), Node::Mapping(commented), Node::Mapping(bare)) => {
            let read = commented.iter().zip(bare.iter());
            for (value, ((key, commented), (_, bare))) in fields.values_mut().zip(read) {
                match except {
                    [last] if key.as_str() == Some(last) => {}
                    [first, rest @ ..] if key.as_str() == Some(first) => {
                        transfer(value, commented, bare, rest);
                    }
                    _ => transfer(value, commented, bare, &[]),
                }
            }
        }
        _ => {}
    }
}

const fn is_block(scalar: &Scalar) -> bool {
    matches!(scalar.style, ScalarStyle::Literal | ScalarStyle::Folded)
}
