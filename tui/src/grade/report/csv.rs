// SPDX-License-Identifier: MIT OR Apache-2.0
//! Verdicts as a table for a spreadsheet: a line for each submission, a column for
//! each test.

use super::table::points;
use crate::grade::verdict::Graded;

/// The document.
pub fn document(graded: &[Graded]) -> String {
    let mut head = vec!["submission".to_owned(), "points".into(), "of".into()];
    if let Some(first) = graded.first() {
        head.extend(first.verdicts.iter().map(|verdict| verdict.test.clone()));
    }
    let rows = graded.iter().map(|one| {
        let mut row = vec![one.submission.clone(), points(one.points), points(one.worth)];
        row.extend(one.verdicts.iter().map(|verdict| points(verdict.points)));
        row
    });
    let line = |row: Vec<String>| {
        let cells: Vec<_> = row.iter().map(|cell| quoted(cell)).collect();
        format!("{}\r\n", cells.join(","))
    };
    std::iter::once(head).chain(rows).map(line).collect()
}

/// A cell (RFC 4180), and never a formula, whatever somebody called a file.
fn quoted(cell: &str) -> String {
    let formula =
        cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && cell.parse::<f64>().is_err();
    let cell = if formula { format!("'{cell}") } else { cell.to_owned() };
    match cell.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell,
    }
}
