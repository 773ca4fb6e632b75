//! Tables for people.

use std::borrow::Cow;

use unicode_width::UnicodeWidthStr;

use crate::escape;

/// Between columns.
const GAP: &str = "  ";

/// Rows below a head. Cells may hold anybody's text: it is escaped here.
#[derive(Debug)]
pub(crate) struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(head: &[&str]) -> Self {
        Self {
            head: head.iter().map(|name| (*name).to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The lines, the head first.
    pub(crate) fn lines(&self) -> Vec<String> {
        let rows: Vec<Vec<Cow<'_, str>>> = std::iter::once(&self.head)
            .chain(&self.rows)
            .map(|row| row.iter().map(|cell| escape::line(cell)).collect())
            .collect();
        let mut widths = vec![0; self.head.len()];
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.width().max(*width);
            }
        }
        let line = |row: &Vec<Cow<'_, str>>| {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(cell);
                line.push_str(&" ".repeat(width.saturating_sub(cell.width())));
                line.push_str(GAP);
            }
            line.trim_end().to_owned()
        };
        rows.iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::new(&["JID", "NAME", "X"]);
        assert!(table.is_empty());
        table.row(["romeo@montague.lit".into(), "ロミオ".into(), "1".into()]);
        table.row(["j@c".into(), "é".into(), String::new()]);
        table.row(["n".into(), "a\x1b[2J\nb".into(), "2".into()]);
        let expected = [
            "JID                 NAME           X",
            "romeo@montague.lit  ロミオ         1",
            "j@c                 é",
            "n                   a\\u{1b}[2J\\nb  2",
        ];
        assert_eq!(table.lines(), expected);
    }
}
