// SPDX-License-Identifier: MIT OR Apache-2.0
//! Forms: fields, and the exact command that comes of them.

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::rc::Rc;

use super::calls::Owner;
use super::field::{Field, Kind, Paths};
use super::handler::Handler;
use super::keys::{Key, KeyCode};
use crate::dashboard::data::lines::UNKNOWN;

/// What a form waits for, while what was submitted is under way.
#[derive(Clone)]
pub struct Held {
    /// The call's.
    pub owner: Owner,
    /// The form's note, which says meanwhile what happens.
    pub note: String,
}

type Preview<S> = Rc<dyn Fn(&Form<S>) -> String>;
type Check<S> = Rc<dyn Fn(&dyn Any, &S, &Form<S>) -> Option<String>>;

/// A form on the screen, over what all views share.
#[derive(Clone)]
pub struct Form<S> {
    /// Under which name what is typed is remembered: `load/my_name`.
    pub id: String,
    pub title: String,
    pub fields: Vec<Field>,
    /// The field that has the focus.
    pub focus: usize,
    /// A line under the fields: what happens next, or what is still awaited.
    pub note: String,
    /// What it waits for.
    pub held: Option<Held>,
    /// Why what was submitted was refused, until something is changed.
    pub refused: Option<String>,
    preview: Preview<S>,
    check: Option<Check<S>>,
    submit: Option<Handler<S, Form<S>>>,
}

impl<S: 'static> Form<S> {
    /// A form that does nothing yet. `preview` is the exact command that comes of
    /// it, shown as it is typed.
    pub fn new(
        id: &str,
        title: &str,
        fields: Vec<Field>,
        preview: impl Fn(&Self) -> String + 'static,
    ) -> Self {
        Self {
            id: id.to_owned(),
            title: title.to_owned(),
            fields,
            focus: 0,
            note: String::new(),
            held: None,
            refused: None,
            preview: Rc::new(preview),
            check: None,
            submit: None,
        }
    }

    /// The same with a note.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// The same with what is wrong with the whole, when each field by itself is right.
    #[must_use]
    pub fn check<V: 'static>(
        mut self,
        check: impl Fn(&V, &S, &Self) -> Option<String> + 'static,
    ) -> Self {
        self.check =
            Some(Rc::new(move |view, shared, form| check(view.downcast_ref::<V>()?, shared, form)));
        self
    }

    /// The same with what it does. The form is closed before;
    /// [`super::shared::Shared::hold`] keeps it open until it is done.
    #[must_use]
    pub fn submit<V: 'static>(mut self, run: impl Fn(&mut V, &mut S, &Self) + 'static) -> Self {
        self.submit = Some(Handler::of(run));
        self
    }

    /// The view whose state it needs.
    pub fn view(&self) -> TypeId {
        self.submit.as_ref().map_or(TypeId::of::<()>(), Handler::view)
    }

    /// Does it.
    pub fn run(&self, view: &mut dyn Any, shared: &mut S) {
        if let Some(submit) = &self.submit {
            submit.run(view, shared, self);
        }
    }

    /// The exact command that comes of it.
    pub fn preview(&self) -> String {
        (self.preview)(self)
    }

    /// The field called `name`; the forms' own functions ask only for fields they made.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The text of the field called `name`, empty if there is none.
    pub fn text(&self, name: &str) -> &str {
        self.field(name).map_or("", Field::text)
    }

    /// The number in the field called `name`, 0 if there is none.
    pub fn number(&self, name: &str) -> i128 {
        self.field(name).and_then(Field::number).unwrap_or(0)
    }

    /// The number in the field called `name` as a preview shows it: [`UNKNOWN`]
    /// where there is none.
    pub fn decimal(&self, name: &str) -> String {
        self.number_shown(name, |number| number.to_string())
    }

    /// The same in hex.
    pub fn hex(&self, name: &str) -> String {
        self.number_shown(name, |number| format!("{number:#x}"))
    }

    fn number_shown(&self, name: &str, show: fn(i128) -> String) -> String {
        self.field(name).and_then(Field::number).map_or_else(|| UNKNOWN.to_owned(), show)
    }

    /// The first thing that is wrong.
    pub fn error(&self, view: &dyn Any, shared: &S) -> Option<String> {
        if self.refused.is_some() {
            return self.refused.clone();
        }
        let of_field = self.fields.iter().find_map(|field| {
            let error = field.error()?;
            Some(format!("{}: {error}", field.name))
        });
        of_field.or_else(|| self.check.as_ref()?(view, shared, self))
    }

    /// Puts what was typed the last time into the fields.
    pub fn recall(&mut self, remembered: &BTreeMap<String, String>) {
        for field in &mut self.fields {
            let key = format!("{}/{}", self.id, field.name);
            if let Some(value) = remembered.get(&key) {
                field.input.set(value.clone());
            }
        }
    }

    /// The same for a form that opens with what was typed the last time, but for
    /// fields that depend on the moment, or of which that is wrong now.
    pub fn recall_but(
        &mut self,
        remembered: &BTreeMap<String, String>,
        of_now: impl Fn(&Field) -> bool,
    ) {
        let fresh = self.fields.clone();
        self.recall(remembered);
        for (field, fresh) in self.fields.iter_mut().zip(fresh) {
            if of_now(&fresh) || field.error().is_some() {
                *field = fresh;
            }
        }
    }

    /// Shows why what was submitted was refused, with the focus on the field that
    /// is to be changed.
    pub fn refuse(&mut self, why: String) {
        if let Some(held) = self.held.take() {
            self.note = held.note;
        }
        self.focus_on(&why);
        self.refused = Some(why);
    }

    /// What Tab is to complete: the field with the focus, if it takes a path.
    pub fn path(&self) -> Option<(&Field, Paths)> {
        let field = self.fields.get(self.focus)?;
        match field.kind {
            Kind::Path(which) => Some((field, which)),
            _ => {
                let (other, choice) = field.path_with?;
                (self.text(other) == choice).then_some((field, Paths::Any))
            }
        }
    }

    /// Puts the focus on the field whose name an error begins with.
    pub fn focus_on(&mut self, error: &str) {
        let named = |field: &Field| {
            error.strip_prefix(field.name.as_str()).is_some_and(|rest| rest.starts_with(':'))
        };
        if let Some(index) = self.fields.iter().position(named) {
            self.focus = index;
        }
    }

    /// Takes a key but Enter and Esc; `false` when it means nothing here.
    pub fn key(&mut self, key: Key) -> bool {
        self.refused = None;
        for field in &mut self.fields {
            field.found.clear();
        }
        let count = self.fields.len().max(1);
        let choice =
            matches!(self.fields.get(self.focus).map(|field| &field.kind), Some(Kind::Choice(_)));
        match key.code {
            KeyCode::Tab | KeyCode::Down => self.focus = (self.focus + 1) % count,
            KeyCode::BackTab | KeyCode::Up => self.focus = (self.focus + count - 1) % count,
            KeyCode::Right | KeyCode::Left | KeyCode::Char(' ') if choice => {
                let forward = key.code != KeyCode::Left;
                if let Some(field) = self.fields.get_mut(self.focus) {
                    field.turn(forward);
                }
            }
            _ if choice => return false,
            _ => {
                let field = self.fields.get_mut(self.focus);
                return field.is_some_and(|field| field.input.key(key));
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_turns_round() {
        let kind = Kind::Choice(vec!["read-write".into(), "read-only".into()]);
        let mut form =
            Form::<()>::new("f", "F", vec![Field::new("x", kind, "", "read-write")], |_| {
                String::new()
            });
        assert!(form.key(Key::parse("right").unwrap()));
        assert_eq!(form.text("x"), "read-only");
        assert!(form.key(Key::parse("space").unwrap()));
        assert_eq!(form.text("x"), "read-write");
    }
}
