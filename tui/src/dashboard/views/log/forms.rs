// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the log asks before it acts: whose records, where to save, whether to forget.

use std::sync::Arc;

use super::{State, end, refilter, text_of};
use crate::dashboard::core::calls::{Owner, Report};
use crate::dashboard::core::effect::Effect;
use crate::dashboard::core::form::{Field, Form, Kind};
use crate::dashboard::core::layer::{Confirm, Layer};
use crate::dashboard::core::model::Model;
use crate::dashboard::data::lines;
use crate::dashboard::data::log::Filter;

pub(crate) fn choose_source(model: &mut Model) {
    let mut sources: Vec<String> = model.log.sources().to_vec();
    sources.sort_by_key(|source| (ringside_uapi::module(source).is_none(), source.clone()));
    sources.insert(0, "all".into());
    let now = model.log.filter().source.clone().unwrap_or_else(|| "all".into());
    let field = Field::new("module", Kind::Choice(sources), "Left and Right choose", &now);
    let form = Form::new(
        "log-source",
        "Show the records of",
        vec![field],
        |form| match form.text("module") {
            "all" => "dmesg".into(),
            source => format!("dmesg | grep {}", lines::quote(&format!("{source}: "))),
        },
        |model, form| {
            let source = form.text("module").to_owned();
            let source = (source != "all").then_some(source);
            let filter = model.log.filter().clone();
            refilter(model, Filter { source, ..filter });
        },
    );
    model.open(Layer::Form(form));
}

pub(crate) fn save(model: &mut Model) {
    let field = Field::new(
        "file",
        Kind::Line,
        "a new file; one that exists is not touched",
        "ringside-kernel.log",
    );
    let mut form = Form::new(
        "log-save",
        "Save the records that are shown",
        vec![field],
        |form| format!("dmesg > {}", lines::quote_path(form.text("file").trim())),
        |model, form| {
            let end = end(model);
            let shown =
                (0..model.log.shown_count(end)).filter_map(|index| model.log.shown_at(index));
            let rows = shown.filter_map(|number| model.log.row(number));
            let mut text = String::new();
            for row in rows {
                text.push_str(&text_of(model, row));
                text.push('\n');
            }
            let tag = model.call(Owner::Nobody, "save the log", Report::Shown, None);
            model.effect(Effect::Save {
                tag,
                path: form.text("file").trim().to_owned(),
                bytes: Arc::new(text.into_bytes()),
            });
        },
    );
    form.check = |_, form| form.text("file").trim().is_empty().then(|| "name a file".into());
    model.open_form(form);
}

pub(crate) fn clear(model: &mut Model) {
    model.open(Layer::Confirm(Confirm {
        title: "Forget the log?".into(),
        text: "The records received so far go from this screen; the kernel keeps its own.".into(),
        command: "clear".into(),
        context: String::new(),
        yes: |model, _| {
            model.log.clear();
            model.log_view = State::default();
        },
    }));
}
