//! The little Markdown that pages need.

/// Adds a table; a row has as many cells as the heading. Nothing without rows.
pub(super) fn table(out: &mut String, heading: &[&str], rows: &[Vec<String>]) {
    if rows.is_empty() {
        return;
    }
    row(out, heading.iter().copied());
    row(out, heading.iter().map(|_| "---"));
    for cells in rows {
        row(out, cells.iter().map(String::as_str));
    }
}

fn row<'a>(out: &mut String, cells: impl Iterator<Item = &'a str>) {
    out.push('|');
    for cell in cells {
        out.push(' ');
        // A bar ends a cell, also in code.
        out.push_str(&cell.replace('|', "\\|").replace('\n', " "));
        out.push_str(" |");
    }
    out.push('\n');
}

/// Text as code, and nothing as nothing.
pub(super) fn code(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else if text.contains('`') {
        format!("`` {text} ``")
    } else {
        format!("`{text}`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_do_not_end_cells() {
        let mut out = String::new();
        table(&mut out, &["a", "b"], &[vec![code("x|y"), String::new()]]);
        assert_eq!(out, "| a | b |\n| --- | --- |\n| `x\\|y` |  |\n");
    }
}
