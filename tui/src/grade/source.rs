// SPDX-License-Identifier: MIT OR Apache-2.0
//! The line of a submission that a report of the kernel's is about.
//!
//! A module's debug information was made in a guest that belonged to whoever handed
//! it in: nothing of it is trusted. It is read on a thread of its own and waited for
//! with a deadline, and what it names is looked for below the submission only.

use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use super::build::{Built, SUBMISSION};
use crate::lab::oops::{Reader, readable};
use crate::lab::symbols::{Frame, in_image};

/// How long reading debug information may take.
const WITHIN: Duration = Duration::from_secs(20);
/// Lines that are shown before the line, and behind it.
const AROUND: usize = 2;

/// A line of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// `src/pulse.c:12`, by the paths that whoever handed it in knows.
    pub(super) at: String,
    /// It, with its function and what stands around it.
    pub(super) shown: Vec<String>,
}

/// The innermost line of the submission in a report; its sources lie in `sources`.
pub(super) fn place(report: &[String], built: &Built, sources: &Path) -> Option<Place> {
    let mut reader = Reader::default();
    let over = report.iter().find_map(|line| reader.line(line));
    let report = over.or_else(|| reader.rest())?;
    report.frames().find_map(|frame| {
        let (_, module) = frame.text.rsplit_once(" [")?;
        let module = module.trim_end_matches(']').split(' ').next()?;
        let (file, line) = look_up(built.image(module)?, frame)?;
        let file = below(Path::new(&file))?;
        let text = fs::read(sources.join(&file)).ok()?;
        let text = String::from_utf8_lossy(&text);
        let at = format!("{}:{line}", file.display());
        let mut shown = vec![format!("{at}, in {}", readable(frame.text))];
        shown.extend(around(&text, line as usize)?);
        Some(Place { at, shown })
    })
}

/// File and line of a frame.
fn look_up(image: Vec<u8>, frame: Frame<'_>) -> Option<(String, u32)> {
    let (send, found) = channel();
    let (text, exact) = (frame.text.to_owned(), frame.exact);
    let look = move || {
        let frame = Frame { text: &text, exact };
        let places = in_image(&image, &[frame]).unwrap_or_default();
        // Nobody may wait for it any more.
        drop(send.send(places.into_iter().next().flatten()));
    };
    thread::Builder::new().name("debug-info".into()).spawn(look).ok()?;
    found.recv_timeout(WITHIN).ok().flatten()
}

/// The path below the submission, if it is one: as it was called where it was built.
fn below(file: &Path) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for part in file.components() {
        match part {
            Component::Normal(name) => plain.push(name),
            Component::ParentDir => drop(plain.pop()),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    let mut parts = plain.components();
    parts.find(|part| part.as_os_str().as_encoded_bytes().starts_with(super::FOLDER.as_bytes()))?;
    let below = parts.as_path().strip_prefix(SUBMISSION).ok()?;
    (!below.as_os_str().is_empty()).then(|| below.to_owned())
}

/// A line with its neighbours, marked; `None` where there is no such line.
fn around(text: &str, line: usize) -> Option<Vec<String>> {
    let lines: Vec<_> = text.lines().collect();
    let index = line.checked_sub(1).filter(|index| *index < lines.len())?;
    let first = index.saturating_sub(AROUND);
    let shown = lines.iter().enumerate().skip(first).take(index - first + 1 + AROUND);
    Some(
        shown
            .map(|(number, text)| {
                let mark = if number == index { '>' } else { ' ' };
                format!("{mark} {:>4}  {}", number + 1, text.replace('\t', "    "))
            })
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_taken_below_the_submission_and_from_nowhere_else() {
        let path = |path: &str| below(Path::new(path)).map(|path| path.display().to_string());
        assert_eq!(path("/tmp/ringside-grade-7OLAhN/submission/src/a.c"), Some("src/a.c".into()));
        for other in [
            "/etc/shadow",
            "/tmp/ringside-grade-7OLAhN/submission/../../../etc/shadow",
            "/tmp/ringside-grade-7OLAhN/submission",
            "/tmp/ringside-grade-7OLAhN/spec/a.c",
            "a.c",
        ] {
            assert_eq!(path(other), None, "{other}");
        }
    }

    #[test]
    fn a_line_is_shown_with_its_neighbours() {
        let text = "one\ntwo\n\tthree\nfour\nfive\nsix\n";
        assert_eq!(
            around(text, 3).unwrap(),
            ["     1  one", "     2  two", ">    3      three", "     4  four", "     5  five"]
        );
        assert_eq!(around(text, 1).unwrap().len(), 3);
        assert_eq!(around(text, 7), None);
        assert_eq!(around(text, 0), None);
    }

    #[test]
    fn a_report_leads_to_the_line_of_the_module_and_a_damaged_one_to_none() {
        let top = tempfile::tempdir().unwrap();
        let sources = top.path().join(format!("{}1/{SUBMISSION}", super::super::FOLDER));
        fs::create_dir_all(&sources).unwrap();
        let text =
            "int *volatile nobody;\nint init_module(void)\n{\n\t*nobody = 1;\n\treturn 0;\n}\n";
        fs::write(sources.join("broken.c"), text).unwrap();
        let made = std::process::Command::new("cc")
            .args(["-g", "-O1", "-c", "broken.c", "-o"])
            .arg(top.path().join("broken.ko"))
            .current_dir(&sources)
            .status();
        assert!(made.unwrap().success());
        let image = fs::read(top.path().join("broken.ko")).unwrap();
        let elf = object::File::parse(&*image).unwrap();
        use object::{Object, ObjectSymbol};
        let size = elf.symbols().find(|one| one.name() == Ok("init_module")).unwrap().size();
        let report = [
            "BUG: kernel NULL pointer dereference, address: 0000000000000000".to_owned(),
            format!("RIP: 0010:init_module+{:#x}/{size:#x} [broken]", size - 1),
            " do_one_initcall+0x40/0x1f0".to_owned(),
        ];
        let built = Built {
            folder: top.path().to_owned(),
            modules: vec!["broken".into()],
            ..Built::default()
        };
        let found = place(&report, &built, &sources).expect("a line");
        assert!(found.at.starts_with("broken.c:"), "{found:?}");
        assert!(found.shown.iter().any(|line| line.starts_with('>')), "{found:?}");
        // Whatever is wrong with the image, it only costs the line.
        for at in (0..image.len()).step_by(image.len() / 300 + 1) {
            let mut damaged = image.clone();
            damaged[at] ^= 0xff;
            fs::write(top.path().join("broken.ko"), &damaged).unwrap();
            drop(place(&report, &built, &sources));
        }
    }
}
