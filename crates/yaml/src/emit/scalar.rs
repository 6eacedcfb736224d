//! Choosing a scalar's style and writing it.

use crate::node::ScalarStyle;

use super::analysis::{Analysis, is_break_char, is_printable_char};
use super::writer::Writer;

/// Where a scalar stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) flow: bool,
    /// A key without `?`, which may neither fold nor span lines.
    pub(crate) simple_key: bool,
    /// Column of continuation lines and of block content.
    pub(crate) indent: usize,
}

/// The style to write `text` in, given the one that is wished for. `tagged` if a tag precedes it.
pub(crate) fn choose_style(
    text: &str,
    analysis: Analysis,
    wish: ScalarStyle,
    place: Place,
) -> ScalarStyle {
    let mut style = wish;
    if place.simple_key && analysis.multiline {
        style = ScalarStyle::DoubleQuoted;
    }
    if style == ScalarStyle::Plain {
        let allowed = if place.flow {
            analysis.flow_plain
        } else {
            analysis.block_plain
        };
        if !allowed || (text.is_empty() && (place.flow || place.simple_key)) {
            style = ScalarStyle::SingleQuoted;
        }
    }
    if style == ScalarStyle::SingleQuoted && !analysis.single_quoted {
        style = ScalarStyle::DoubleQuoted;
    }
    if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded)
        && (!analysis.block || place.flow || place.simple_key)
    {
        style = ScalarStyle::DoubleQuoted;
    }
    style
}

/// Writes `text` in a style that [`choose_style`] returned. Literal and folded style take a comment behind their
/// indicator, which may be empty.
pub(crate) fn write_scalar(
    writer: &mut Writer<'_>,
    text: &str,
    analysis: Analysis,
    style: ScalarStyle,
    place: Place,
    header_comment: &str,
) {
    match style {
        ScalarStyle::Plain => {
            if text.is_empty() && writer.version == crate::error::Version::V3 {
                writer.indention = false;
                return;
            }
            writer.put_space();
            write_lines(writer, text, analysis, place, None);
            writer.whitespace = false;
            writer.indention = false;
        }
        ScalarStyle::SingleQuoted => {
            writer.put_indicator("'", false);
            write_lines(writer, text, analysis, place, Some('\''));
            writer.put_suffix("'");
            writer.indention = false;
        }
        ScalarStyle::DoubleQuoted => {
            writer.put_indicator("\"", false);
            write_escaped(writer, text, place);
            writer.put_suffix("\"");
            writer.indention = false;
        }
        ScalarStyle::Literal => {
            writer.put_indicator("|", false);
            write_block_header(writer, text, place, header_comment);
            write_literal(writer, text, place);
        }
        ScalarStyle::Folded => {
            writer.put_indicator(">", false);
            write_block_header(writer, text, place, header_comment);
            write_folded(writer, text, place);
        }
    }
}

/// Writes plain or single-quoted text, in which a line break is written twice.
fn write_lines(
    writer: &mut Writer<'_>,
    text: &str,
    analysis: Analysis,
    place: Place,
    quote: Option<char>,
) {
    let fold = !place.simple_key && writer.may_fold(text.len());
    let doubles = quote.is_some() && text.contains('\'');
    if !(fold || analysis.multiline || doubles) {
        writer.put_str(text);
        return;
    }
    let mut spaces = false;
    let mut breaks = false;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let next = characters.peek().map(|(_, next)| *next);
        if character == ' ' {
            let inner = quote.is_none() || (at > 0 && next.is_some());
            if !place.simple_key && !spaces && writer.is_long() && inner && next != Some(' ') {
                writer.put_indent(place.indent);
            } else {
                writer.put(character);
            }
            spaces = true;
        } else if is_break_char(character) {
            if !breaks && character == '\n' {
                writer.put_break();
            }
            writer.put_scalar_break(character);
            writer.indention = true;
            breaks = true;
        } else {
            if breaks {
                writer.put_indent(place.indent);
            }
            if quote == Some(character) {
                writer.put(character);
            }
            writer.put(character);
            writer.indention = false;
            spaces = false;
            breaks = false;
        }
    }
}

fn write_escaped(writer: &mut Writer<'_>, text: &str, place: Place) {
    // The emitters look for a byte order mark at the start of the text at every character.
    let all = text.starts_with('\u{FEFF}');
    let mut spaces = false;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let next = characters.peek().map(|(_, next)| *next);
        let plain = !all
            && is_printable_char(character)
            && !is_break_char(character)
            && !matches!(character, '"' | '\\');
        if !plain {
            write_escape(writer, character);
            spaces = false;
        } else if character == ' ' {
            let inner = at > 0 && next.is_some();
            if !place.simple_key && !spaces && writer.is_long() && inner {
                writer.put_indent(place.indent);
                if next == Some(' ') {
                    writer.put('\\');
                }
            } else {
                writer.put(' ');
            }
            spaces = true;
        } else {
            writer.put(character);
            spaces = false;
        }
    }
}

fn write_escape(writer: &mut Writer<'_>, character: char) {
    let short = match character {
        '\0' => '0',
        '\x07' => 'a',
        '\x08' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\x0B' => 'v',
        '\x0C' => 'f',
        '\r' => 'r',
        '\x1B' => 'e',
        '"' => '"',
        '\\' => '\\',
        '\u{85}' => 'N',
        '\u{A0}' => '_',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        _ => {
            let code = u32::from(character);
            writer.put_str(&match code {
                ..=0xFF => format!("\\x{code:02X}"),
                0x100..=0xFFFF => format!("\\u{code:04X}"),
                _ => format!("\\U{code:08X}"),
            });
            return;
        }
    };
    writer.put('\\');
    writer.put(short);
}

/// The indicators after `|` or `>`, and the end of that line.
fn write_block_header(writer: &mut Writer<'_>, text: &str, place: Place, comment: &str) {
    if text.starts_with(|first| first == ' ' || is_break_char(first)) {
        writer.put_suffix("2");
    }
    let mut from_end = text.chars().rev();
    let chomping = match (from_end.next(), from_end.next()) {
        (Some(last), _) if !is_break_char(last) => "-",
        (None, _) => "-",
        (Some(_), Some(before)) if !is_break_char(before) => "",
        (Some(_), _) => "+",
    };
    if !chomping.is_empty() {
        writer.put_suffix(chomping);
    }
    writer.indention = false;
    if comment.is_empty() {
        writer.put_break();
    } else {
        writer.put_space();
        writer.put_comment(comment, place.indent);
    }
    writer.indention = true;
    writer.whitespace = true;
}

fn write_literal(writer: &mut Writer<'_>, text: &str, place: Place) {
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(is_break_char).unwrap_or(rest.len());
        let (line, tail) = rest.split_at(end);
        if !line.is_empty() {
            writer.put_indent(place.indent);
            writer.put_str(line);
            writer.indention = false;
        }
        let mut tail = tail.chars();
        if let Some(character) = tail.next() {
            writer.put_scalar_break(character);
            writer.indention = true;
        }
        rest = tail.as_str();
    }
}

fn write_folded(writer: &mut Writer<'_>, text: &str, place: Place) {
    let first = text.trim_start_matches(is_break_char).chars().next();
    let doubles = first.is_some_and(|first| first != ' ' && first != '\t');
    let mut breaks = true;
    let mut leading_blank = true;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if is_break_char(character) {
            if !breaks && !leading_blank && character == '\n' && doubles {
                writer.put_break();
            }
            writer.put_scalar_break(character);
            writer.indention = true;
            breaks = true;
            continue;
        }
        if breaks {
            writer.put_indent(place.indent);
            leading_blank = character == ' ' || character == '\t';
        }
        let folds = !breaks && character == ' ' && characters.peek() != Some(&' ');
        if folds && writer.is_long() {
            writer.put_indent(place.indent);
        } else {
            writer.put(character);
        }
        writer.indention = false;
        breaks = false;
    }
}
