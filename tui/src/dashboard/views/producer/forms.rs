// SPDX-License-Identifier: MIT OR Apache-2.0
//! The forms of view 3.

use super::state::Producer;
use crate::dashboard::core::{Field, Form, Kind, Layer, Shared};
use ringside_uapi::producer_consumer::{DELAY_MAX, MODULE as DESCRIPTION};

use super::controls::{value, write};
use super::picture::picture;
use super::queue::Knob;
use super::state::MODULE;
use crate::dashboard::core::loader;
use crate::dashboard::data::duration;

/// Asks how many items to let through.
pub(crate) fn steps(_: &mut Producer, shared: &mut Shared) {
    let limits = Kind::Integer { min: 1, max: 1_000_000 };
    let field = Field::new("step", limits, "items to be produced or consumed", "10");
    let form = Form::new("ring-steps", "Let items through while paused", vec![field], |form| {
        echo(Knob::Step, &form.decimal("step"))
    });
    shared.open_form(form.submit(|view: &mut Producer, shared, form| {
        write(view, shared, Knob::Step, form.number("step") as u64);
    }));
}

/// Asks for both delays.
pub(crate) fn delays(view: &mut Producer, shared: &mut Shared) {
    let field = |knob: Knob, help: &str| {
        let now = duration::text(value(view, shared, knob).unwrap_or(0));
        Field::new(knob.file(), Kind::Duration { max: DELAY_MAX }, help, &now)
    };
    let fields = vec![
        field(Knob::ProducerDelay, "that a producer sleeps after each item"),
        field(Knob::ConsumerDelay, "that a consumer sleeps after each item"),
    ];
    // Not recalled: what is set now is the better start.
    let form = Form::new("ring-delays", "Delays; 0 is full speed", fields, |form| {
        let line = |knob: Knob| echo(knob, &form.decimal(knob.file()));
        format!("{}\n{}", line(Knob::ProducerDelay), line(Knob::ConsumerDelay))
    });
    shared.open(Layer::Form(form.submit(|view: &mut Producer, shared, form| {
        for knob in [Knob::ProducerDelay, Knob::ConsumerDelay] {
            write(view, shared, knob, form.number(knob.file()) as u64);
        }
    })));
}

/// Asks for the module's parameters and loads it again.
pub(crate) fn parameters(view: &mut Producer, shared: &mut Shared) {
    let mut fields: Vec<Field> = DESCRIPTION.parameters.iter().map(Field::parameter).collect();
    loader::slow_down(MODULE, &mut fields);
    if let Some(now) = picture(view, shared) {
        let delay = |delay: Option<u64>| duration::text(delay.unwrap_or(0));
        let values = [
            ("prod", now.now.producers.to_string()),
            ("cons", now.now.consumers.to_string()),
            ("size", now.now.capacity.to_string()),
            ("producer_delay", delay(now.producer_delay)),
            ("consumer_delay", delay(now.consumer_delay)),
        ];
        for (name, value) in values {
            if let Some(field) = fields.iter_mut().find(|field| field.name == name) {
                field.input.set(value);
            }
        }
    }
    let form = Form::new("ring-parameters", "Load producer_consumer with", fields, |form| {
        format!("rmmod {MODULE}\ninsmod {MODULE}.ko {}", arguments(form))
    });
    let form = form.note("The module is unloaded first if it is loaded; its items are lost.");
    shared.open(Layer::Form(form.submit(|(): &mut (), shared, form| {
        loader::load_with(shared, MODULE, &arguments(form));
    })));
}

fn arguments(form: &Form) -> String {
    let words = form.fields.iter().map(|field| format!("{}={}", field.name, field.value()));
    words.collect::<Vec<_>>().join(" ")
}

fn echo(knob: Knob, number: &str) -> String {
    format!("echo {number} > /sys/module/{MODULE}/controls/{}", knob.file())
}
