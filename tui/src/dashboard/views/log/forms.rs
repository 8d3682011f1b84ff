// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the log asks before it acts: whose records, where to save, whether to forget.

use std::sync::Arc;

use super::state::{LogView, text_of};
use crate::dashboard::core::{Field, Form, HostRequest, Kind, Layer, Owner, Paths, Report, Shared};
use crate::dashboard::data::lines;
use crate::dashboard::data::log::Filter;

pub(crate) fn choose_source(_: &mut LogView, shared: &mut Shared) {
    let mut sources: Vec<String> = shared.log.sources().to_vec();
    sources.sort_by_key(|source| (ringside_uapi::module(source).is_none(), source.clone()));
    sources.insert(0, "all".into());
    let now = shared.log.filter().source.clone().unwrap_or_else(|| "all".into());
    let field = Field::new("module", Kind::Choice(sources), "Left and Right choose", &now);
    let form = Form::new("log-source", "Show the records of", vec![field], |form| {
        match form.text("module") {
            "all" => "dmesg".into(),
            source => format!("dmesg | grep {}", lines::quote(&format!("{source}: "))),
        }
    });
    shared.open(Layer::Form(form.submit(|(): &mut (), shared, form| {
        let source = form.text("module").to_owned();
        let source = (source != "all").then_some(source);
        let filter = shared.log.filter().clone();
        shared.log.set_filter(Filter { source, ..filter });
    })));
}

pub(crate) fn save(_: &mut LogView, shared: &mut Shared) {
    let field = Field::new(
        "file",
        Kind::Path(Paths::Any),
        "a new file; one that exists is not touched",
        "ringside-kernel.log",
    );
    let title = "Save the records that are shown";
    let form = Form::new("log-save", title, vec![field], |form| {
        format!("dmesg > {}", lines::quote_path(form.text("file").trim()))
    })
    .check(|(): &(), _, form| form.text("file").trim().is_empty().then(|| "name a file".into()))
    .submit(|(): &mut (), shared, form| {
        let end = shared.log_end();
        let shown = (0..shared.log.shown_count(end)).filter_map(|index| shared.log.shown_at(index));
        let rows = shown.filter_map(|number| shared.log.row(number));
        let text: String = rows.map(|row| text_of(shared, row) + "\n").collect();
        let path = form.text("file").trim().to_owned();
        let request = HostRequest::Save { path, bytes: Arc::new(text.into_bytes()) };
        shared.ask_host(Owner::Nobody, "save the log", Report::Shown, request);
    });
    shared.open_form(form);
}

pub(crate) fn clear(_: &mut LogView, shared: &mut Shared) {
    let text = "The records received so far go from this screen; the kernel keeps its own.";
    shared.confirm("Forget the log?", text, "clear", |view: &mut LogView, shared| {
        shared.log.clear();
        *view = LogView::default();
    });
}
