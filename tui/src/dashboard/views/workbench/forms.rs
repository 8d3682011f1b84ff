// SPDX-License-Identifier: MIT OR Apache-2.0
//! The forms that open a folder, and make a new module.

use super::state::{Call, Workbench};
use super::watching::open;
use crate::dashboard::core::layer::Message;
use crate::dashboard::core::workbench::Bench;
use crate::dashboard::core::{Field, Form, HostRequest, Kind, Owner, Paths, Report, Shared};
use crate::dashboard::data::lines::{quote, quote_path};

const RUST: &str = "Rust";
const C: &str = "C";

/// What of a folder is asked for beside its path.
fn rest(bench: Option<&Bench>) -> [Field; 2] {
    let (parameters, run) =
        bench.map_or(("", ""), |bench| (bench.parameters.as_str(), bench.run.as_str()));
    [
        Field::new("parameters", Kind::Line, "as insmod takes them: interval_ms=50", parameters),
        Field::new("run", Kind::Line, "a command to run in the guest after each load", run),
    ]
}

fn bench(form: &Form) -> Bench {
    let text = |name: &str| form.text(name).trim().to_owned();
    Bench { folder: text("folder"), parameters: text("parameters"), run: text("run") }
}

fn check(form: &Form) -> Option<String> {
    if form.text("folder").trim().is_empty() {
        return Some("folder: name one".into());
    }
    let run = form.text("run").trim();
    let open = !run.is_empty() && shlex::split(run).is_none();
    open.then(|| "run: a quote is open".into())
}

/// The line that does the same.
fn watch_line(bench: &Bench) -> String {
    let mut line = format!("ringside watch {}", quote_path(&bench.folder));
    if !bench.run.is_empty() {
        line.push_str(&format!(" --run {}", quote(&bench.run)));
    }
    if !bench.parameters.is_empty() {
        line.push_str(&format!(" -- {}", bench.parameters));
    }
    line
}

/// Asks which folder to watch.
pub(super) fn ask_open(view: &Workbench, shared: &mut Shared) {
    let now = view.bench.as_ref();
    let help = "a folder with a Kbuild file or Makefile";
    let folder = now.map_or("", |bench| bench.folder.as_str());
    let mut fields = vec![Field::new("folder", Kind::Path(Paths::Folders), help, folder)];
    fields.extend(rest(now));
    let form = Form::new("workbench", "Watch a folder", fields, |form| watch_line(&bench(form)))
        .check(|_: &Workbench, _, form| check(form))
        .submit(|view: &mut Workbench, shared, form| open(view, shared, bench(form)));
    shared.open_form(form);
}

/// Asks what a new module is to be called.
pub(super) fn ask_new(shared: &mut Shared) {
    let help = "the folder to make; its last part is the module's name";
    let languages = Kind::Choice(vec![RUST.into(), C.into()]);
    let mut fields = vec![
        // No path to complete: it is not there yet, and Tab goes on to the next field.
        Field::new("folder", Kind::Line, help, ""),
        Field::new("language", languages, "what it is written in", RUST),
    ];
    fields.extend(rest(None));
    let form = Form::new("workbench-new", "Make a new module", fields, |form| {
        let bench = bench(form);
        let c = if form.text("language") == C { " --c" } else { "" };
        format!("ringside new {}{c}\n{}", quote_path(&bench.folder), watch_line(&bench))
    })
    .check(|_: &Workbench, _, form| check(form))
    .submit(|_: &mut Workbench, shared, form| {
        let bench = bench(form);
        let c = form.text("language") == C;
        let request = HostRequest::NewModule { folder: bench.folder.clone(), c };
        let owner = Owner::view(Call::New(bench));
        shared.ask_host(owner, "make a module", Report::Listed, request);
    });
    shared.open_form(form);
}

/// The module was not made.
pub(super) fn refuse(shared: &mut Shared, bench: &Bench, why: String) {
    let remedy = shared.fill("Choose another name or place: {workbench-new} asks again.");
    shared.message(Message {
        failed: true,
        title: format!("Make {}", bench.folder),
        lines: why.lines().map(str::to_owned).collect(),
        remedy: vec![remedy],
    });
}
