// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a compiler complains about, by file and line.

use crate::lab::progress::{self, Progress};

/// A complaint.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Diagnostic {
    /// The file, as the compiler names it: relative to the folder, or absolute.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1; 0 where it is not known.
    pub column: u32,
    /// Is it an error (else a warning)?
    pub error: bool,
    /// What is wrong.
    pub message: String,
}

/// The complaints in what compilers printed: gcc's and clang's are lines of
/// `file:line:column: error: …`, rustc names the place below the message.
pub fn diagnostics<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut open: Option<(bool, String)> = None;
    for line in lines {
        if let Some(diagnostic) = of_c(line) {
            found.push(diagnostic);
        } else if let Some((error, message)) = of_rust(line) {
            open = Some((error, message));
        } else if let Some(place) = line.trim_start().strip_prefix("--> ")
            && let Some((error, message)) = open.take()
            && let Some((file, line, column)) = place_of(place)
        {
            found.push(Diagnostic { file, line, column, error, message });
        }
    }
    found
}

fn of_c(line: &str) -> Option<Diagnostic> {
    let (at, error) = [(": error: ", true), (": fatal error: ", true), (": warning: ", false)]
        .into_iter()
        .find_map(|(sign, error)| line.find(sign).map(|at| (at, (error, sign.len()))))?;
    let (file, line_number, column) = place_of(&line[..at])?;
    let message = line[at + error.1..].to_owned();
    Some(Diagnostic { file, line: line_number, column, error: error.0, message })
}

/// `error[E0425]: cannot find value`, `warning: unused variable`.
fn of_rust(line: &str) -> Option<(bool, String)> {
    let (head, message) = line.split_once(": ")?;
    let kind = head.split('[').next()?;
    let error = match kind {
        "error" => true,
        "warning" => false,
        _ => return None,
    };
    Some((error, message.to_owned()))
}

/// `hello.c:12:5` or `hello.c:12`.
fn place_of(text: &str) -> Option<(String, u32, u32)> {
    let (rest, last) = text.trim().rsplit_once(':')?;
    let last: u32 = last.parse().ok()?;
    match rest.rsplit_once(':').and_then(|(file, line)| Some((file, line.parse().ok()?))) {
        Some((file, line)) => Some((file.to_owned(), line, last)),
        None => Some((rest.to_owned(), last, 0)),
    }
}

/// Keeps what compilers print, and passes it on.
pub(super) struct Listener {
    pub(super) inner: Box<dyn Progress>,
    pub(super) lines: Vec<String>,
}

impl Progress for Listener {
    fn report(&mut self, event: progress::Event) {
        if let progress::Event::Output(line) = &event {
            self.lines.push(line.clone());
        }
        self.inner.report(event);
    }

    fn tick(&mut self) {
        self.inner.tick();
    }

    fn stop(&self) -> progress::Stop {
        self.inner.stop()
    }

    fn locks(&self) -> Vec<std::os::fd::RawFd> {
        self.inner.locks()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_compiler_says_has_no_more_complaints_than_lines() {
        crate::fuzz::texts("lines", |text| {
            assert!(diagnostics(text.lines()).len() <= text.lines().count());
        });
    }

    #[test]
    fn gccs_clangs_and_rustcs_complaints_have_file_line_and_column() {
        let text = "\
hello.c: In function 'beat':
hello.c:12:5: error: 'x' undeclared (first use in this function)
   12 |     x = 1;
hello.c:30: warning: old
error[E0614]: type `u32` cannot be dereferenced
   --> hello.rs:176:28
    |
warning: unused variable: `a`
 --> sub/b.rs:3:1
error: aborting due to 1 previous error";
        let found: Vec<_> = diagnostics(text.lines())
            .into_iter()
            .map(|one| (one.file, one.line, one.column, one.error, one.message))
            .collect();
        let expected = [
            ("hello.c", 12, 5, true, "'x' undeclared (first use in this function)"),
            ("hello.c", 30, 0, false, "old"),
            ("hello.rs", 176, 28, true, "type `u32` cannot be dereferenced"),
            ("sub/b.rs", 3, 1, false, "unused variable: `a`"),
        ]
        .map(|(file, line, column, error, message)| {
            (file.to_owned(), line, column, error, message.to_owned())
        });
        assert_eq!(found, expected);
    }
}
